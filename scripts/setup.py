"""Build the environments that the Makefile's targets need, once.

Runs on any Python 3.11 or newer with nothing but the standard library. pip installs uv (hash checked) into `.venv`,
and uv installs the rest from the compiled files in `requirements/`. A stamp beside each environment holds the digest
of what went into it, so a second run only compares digests. A lock makes runs beside each other wait, not collide.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
STATE = ROOT / ".local"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
STAMP = ".ringfold-setup"


def main(names: Sequence[str]) -> int:
    """Set up every environment named: ``local`` or ``dev`` (both `.venv`), ``ministack``, ``sam``."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    with (STATE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            for name in names:
                ensure_main(name) if name in ("local", "dev") else ensure_tool(name)
        except subprocess.CalledProcessError as exc:
            print(f"Setting up failed: {' '.join(map(str, exc.cmd))} ended with {exc.returncode}.", file=sys.stderr)
            return 1
    return 0


def ensure_main(name: str) -> None:
    """Have in `.venv` what ``name`` asks for; ``dev`` contains ``local``, so it is never taken back."""
    if not usable(VENV_PYTHON):
        create_venv()
    have = read_stamp(VENV)
    if have in {stamp_of(name, VENV_PYTHON), stamp_of("dev", VENV_PYTHON)}:
        return
    name = "dev" if have.startswith("dev ") else name
    say(f"Installing requirements/{name}.txt into .venv")
    install_uv()
    sync(VENV_PYTHON, name)
    write_stamp(VENV, stamp_of(name, VENV_PYTHON))


def ensure_tool(name: str) -> None:
    """Have a tool whose pins clash with ours in an environment of its own, `.local/tools/<name>`."""
    folder = STATE / "tools" / name
    python = folder / "bin" / "python"
    if usable(python) and read_stamp(folder) == stamp_of(name, python):
        return
    if not UV.exists():
        ensure_main("local")
    say(f"Installing requirements/{name}.txt into .local/tools/{name}")
    if not usable(python):
        shutil.rmtree(folder, ignore_errors=True)
        run([UV, "venv", "--quiet", "--python", VENV_PYTHON, folder], env=uv_environment())
    sync(python, name)
    write_stamp(folder, stamp_of(name, python))


def create_venv() -> None:
    say(f"Creating .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        run([sys.executable, "-m", "venv", VENV])
    except subprocess.CalledProcessError:
        shutil.rmtree(VENV, ignore_errors=True)
        hint = "On Debian and Ubuntu: apt-get install python3-venv"
        print(f"{sys.executable} cannot make a virtual environment. {hint}", file=sys.stderr)
        raise


def usable(python: Path) -> bool:
    """Whether this environment's interpreter runs, is new enough, and is the one PYTHON asks for, if any."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    version = tuple(int(part) for part in answer.stdout.strip().split("."))
    return version >= (3, 11) and (not os.environ.get("PYTHON") or version == sys.version_info[:2])


def install_uv() -> None:
    """Install the pinned uv with pip, unless this very version is there."""
    requirements = REQUIREMENTS / "uv.txt"
    pinned = re.search(r"^uv==(\S+)", requirements.read_text(), re.MULTILINE)
    assert pinned, "requirements/uv.txt pins uv"
    if UV.exists():
        answer = subprocess.run([UV, "--version"], capture_output=True, text=True, check=False)
        if f"uv {pinned[1]}" in answer.stdout:
            return
    pip: list[str | Path] = [VENV_PYTHON, "-m", "pip", "-qq", "--disable-pip-version-check"]
    run([*pip, "install", "--require-hashes", "-r", requirements])


def sync(python: Path, name: str) -> None:
    options: list[str | Path] = ["--quiet", "--require-hashes", "--python", python]
    run([UV, "pip", "sync", *options, REQUIREMENTS / f"{name}.txt"], env=uv_environment())


def uv_environment() -> dict[str, str]:
    """The environment for uv: it downloads no interpreter, and uses the index and certificates pip is set to."""
    answer = subprocess.run([VENV_PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    return {"UV_PYTHON_DOWNLOADS": "never"} | uv_settings(answer.stdout, os.environ) | dict(os.environ)


def uv_settings(pip_config: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What `pip config list` says, in uv's words; uv does not read pip's configuration, and what uv is told stays."""
    pip = dict(re.findall(r"^(?:global|install|:env:)\.(index-url|cert)='(.*)'$", pip_config, re.MULTILINE))
    settings = {}
    if "index-url" in pip and not {"UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX"} & environ.keys():
        settings["UV_DEFAULT_INDEX"] = pip["index-url"]
    if "cert" in pip and "SSL_CERT_FILE" not in environ:
        settings["SSL_CERT_FILE"] = pip["cert"]
    return settings


def stamp_of(name: str, python: Path) -> str:
    """What an environment is made of: its requirements file and its interpreter."""
    digest = hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes())
    digest.update(str(python.resolve()).encode())
    return f"{name} {digest.hexdigest()}"


def read_stamp(folder: Path) -> str:
    try:
        return (folder / STAMP).read_text().strip()
    except OSError:
        return ""


def write_stamp(folder: Path, stamp: str) -> None:
    (folder / STAMP).write_text(stamp + "\n")


def say(message: str) -> None:
    print(message, flush=True)


def run(command: Sequence[str | Path], env: dict[str, str] | None = None) -> None:
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT, env=env)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
