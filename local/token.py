"""`python -m local.token`: print a token that the local system accepts from an administrator (`make token`)."""

import argparse
import os
import sys
from collections.abc import Sequence

from local.home import prepare_home
from local.processes import StartError
from local.settings import SettingsError, load_settings
from local.sign_in import PLATFORM_ADMIN, ROLES, VALID_S, user_pool
from local.template import TemplateError, read_template


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a token; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.token", description="Print an administrator's token.")
    parser.add_argument("--role", choices=ROLES, default=os.environ.get("ROLE") or PLATFORM_ADMIN)
    parser.add_argument("--organization", default=os.environ.get("ORGANIZATION") or None, metavar="org_...")
    parser.add_argument("--hours", type=float, default=VALID_S / 3600, help="how long it is good for")
    given = parser.parse_args(arguments)
    if given.role != PLATFORM_ADMIN and not given.organization:
        parser.error(f"an {given.role} belongs to an organization: make token ROLE={given.role} ORGANIZATION=org_...")
    if given.role == PLATFORM_ADMIN and given.organization:
        parser.error("a platform_admin belongs to no organization: leave it out")
    try:
        settings = load_settings()
        prepare_home(settings.home)
        pool = user_pool(settings.home, read_template(settings.template, settings.parameters))
    except (SettingsError, StartError, TemplateError) as exc:
        print(f"There is no token to be had: {exc}", file=sys.stderr)
        return 1
    if pool is None:
        print("This template has no administrators.", file=sys.stderr)
        return 1
    print(pool.token(given.role, given.organization, valid_s=int(given.hours * 3600)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
