"""The platform's administrators in the user pool: the first one is invited by `make deploy`."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from scripts.deployment.cloud import Cloud, attempt, code_of
from scripts.deployment.stacks import Stack

GROUP: Final = "platform_admin"
USER_POOL: Final = "AWS::Cognito::UserPool"
INVITED: Final = "FORCE_CHANGE_PASSWORD"


@dataclass(frozen=True)
class Administrator:
    """One administrator.

    Attributes:
        is_new: Whether they were invited just now.
        has_logged_in: Whether the invitation has been used.
    """

    email: str
    is_new: bool
    has_logged_in: bool


def user_pool_of(stack: Stack) -> str:
    """Id of the stack's user pool; ``""`` when it has none."""
    pools = stack.of_type(USER_POOL)
    return pools[0] if pools else ""


def has_platform_admin(cloud: Cloud, pool: str) -> bool:
    """Whether somebody can administer the platform.

    Raises:
        Stop: If AWS cannot be asked.
    """
    cognito = cloud.client("cognito-idp")

    def look() -> bool:
        try:
            return bool(cognito.list_users_in_group(UserPoolId=pool, GroupName=GROUP, Limit=1)["Users"])
        except ClientError as exc:
            if code_of(exc) == "ResourceNotFoundException":
                return False
            raise

    return attempt("Listing the administrators", look)


def ensure_platform_admin(cloud: Cloud, pool: str, email: str, *, resend: bool) -> Administrator:
    """Have an administrator of the platform: made and invited, unless they are there already.

    Args:
        cloud: Where the pool is.
        pool: Its id.
        email: Also the user name.
        resend: Whether to send an invitation again that was not used.

    Raises:
        Stop: If Cognito refuses.
    """
    cognito = cloud.client("cognito-idp")
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    settings: dict[str, Any] = {
        "UserPoolId": pool,
        "Username": email,
        "DesiredDeliveryMediums": ["EMAIL"],
        "TemporaryPassword": password_for_once(),
    }

    def make() -> bool:
        try:
            cognito.admin_create_user(**settings, UserAttributes=attributes)
        except ClientError as exc:
            if code_of(exc) != "UsernameExistsException":
                raise
            return False
        return True

    is_new = attempt("Inviting the administrator", make)
    attempt(
        "Making them an administrator of the platform",
        lambda: cognito.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=GROUP),
    )
    user = attempt("Looking at the administrator", lambda: cognito.admin_get_user(UserPoolId=pool, Username=email))
    has_logged_in = user["UserStatus"] != INVITED
    if resend and not is_new and not has_logged_in:
        attempt("Sending the invitation again", lambda: cognito.admin_create_user(**settings, MessageAction="RESEND"))
        is_new = True
    return Administrator(email, is_new, has_logged_in)


def password_for_once() -> str:
    """A password that every policy of a user pool takes; only the e-mail tells it."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-.!?")
    letters = [secrets.choice(kind) for kind in kinds] + [secrets.choice("".join(kinds)) for _ in range(20)]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)
