"""What the lints share: the files of this checkout, and how a problem is told."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = {"build", ".git", ".cache"}


def files(root=ROOT):
    """The files git knows or would add, as paths relative to the root; without git, all but build/."""
    asked = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False) if (root / ".git").exists() else None
    if asked and asked.returncode == 0:
        found = {pathlib.PurePosixPath(name) for name in asked.stdout.decode().split("\0") if name}
    else:
        found = {pathlib.PurePosixPath(path.relative_to(root)) for path in root.rglob("*")}
    return sorted(path for path in found
                  if path.parts[0] not in NOT_OURS and (root / path).is_file())


def sources(root=ROOT):
    """The C++ files."""
    return [path for path in files(root) if path.suffix in {".h", ".cc"}]


def read(path, root=ROOT):
    return (root / path).read_text(encoding="utf-8")


def finish(problems):
    """Prints one problem a line and ends the program: 1 if there was any."""
    problems = list(problems)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
