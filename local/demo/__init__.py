"""The demo: organizations, accounts, numbers, agents and an airline's flights, as data, and what loads them."""
