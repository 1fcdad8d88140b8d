"""What DynamoDB keeps of accounts, numbers, agents and organizations, and of who changed them."""
