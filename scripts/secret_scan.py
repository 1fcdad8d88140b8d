"""Find secrets in the repository and in what `sam build` made, and fail if there are any.

Two looks at every file: for a Twilio SID beside something of an auth token's form (ours, because a SID alone is no
secret and a token alone looks like any digest), and with detect-secrets' detectors for keys that have a form of their
own. Detectors that guess by entropy or by variable names are left out: they cry at every test.

    python scripts/secret_scan.py [FOLDER]
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT: Final = Path(__file__).resolve().parent.parent
ARTEFACT: Final = Path(".aws-sam") / "build"
SITE: Final = "python"
OURS: Final = ("ringfold", "ringfold_admin")
"""What is ours of a layer's site; libraries' documentation is full of example keys."""

TWILIO_SID: Final = re.compile(r"(?<![0-9A-Za-z])(?:AC|SK)[0-9a-f]{32}(?![0-9A-Za-z])")
TWILIO_TOKEN: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])")

DETECTORS: Final = (
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
)


@dataclass(frozen=True)
class Finding:
    """A place to look at; never the secret itself."""

    path: Path
    line: int
    kind: str


def main(arguments: Sequence[str]) -> int:
    """Scan a folder, by default the repository this file is in; 1 if anything was found."""
    root = Path(arguments[0]).resolve() if arguments else ROOT
    repository = list(repository_files(root))
    artefact = [path for path in (root / ARTEFACT).rglob("*") if path.is_file()]
    findings = [*find_pairs([*repository, *artefact]), *find_keys([*repository, *filter(is_ours, artefact)])]
    for finding in sorted(findings, key=lambda each: (each.path, each.line)):
        print(f"{finding.path.relative_to(root)}:{finding.line}: {finding.kind}", file=sys.stderr)
    what = f"{len(repository)} files of the repository and {len(artefact)} of the build artefact"
    print(f"secret scan: {what}, {len(findings)} found")
    return 1 if findings else 0


def repository_files(root: Path) -> Iterator[Path]:
    """Every file that is, or could be, committed: tracked or not, but not ignored."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    yield from (path for name in sorted(set(names.split("\0"))) if name and (path := root / name).is_file())


def find_pairs(paths: Iterable[Path]) -> Iterator[Finding]:
    """Files that hold both a Twilio SID and something of the form of its token, both not plainly made up."""
    for path in paths:
        text = read(path)
        sid = next((match for match in TWILIO_SID.finditer(text) if not is_made_up(match[0][2:])), None)
        if sid is None:
            continue
        for token in TWILIO_TOKEN.finditer(text):
            if not is_made_up(token[0]):
                yield Finding(path, text.count("\n", 0, token.start()) + 1, "Twilio SID and token in one file")


def find_keys(paths: Iterable[Path]) -> Iterator[Finding]:
    """What detect-secrets knows by its form; `pragma: allowlist secret` on a line is heeded."""
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        for path in paths:
            secrets = SecretsCollection()
            secrets.scan_file(str(path))
            for _, secret in secrets:
                yield Finding(path, secret.line_number, secret.type)


def is_made_up(digits: str) -> bool:
    """Whether a value shows that it is an example: few different digits, or one short piece repeated."""
    repeats = any(digits == digits[:size] * (len(digits) // size) for size in (8, 16))
    return repeats or len(set(digits)) <= 4


def is_ours(path: Path) -> bool:
    """Whether a file of the artefact is not a library's."""
    _, _, inside = path.as_posix().rpartition(f"{ARTEFACT.as_posix()}/")
    _, site, package = [*inside.split("/"), "", ""][:3]
    return site != SITE or package in OURS


def read(path: Path) -> str:
    """A file's text; what is not UTF-8 is read as if it were, which no SID or token minds."""
    return path.read_bytes().decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
