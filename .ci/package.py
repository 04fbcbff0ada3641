"""Builds the zip that `spark-submit --py-files` takes: pure Python, the same bytes each time."""

import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
# The oldest time a zip can hold; a real one would make every build another file.
EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    """Write the zip to the path given."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in sorted(_entries()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    print(target)


def _entries() -> Iterator[tuple[str, bytes]]:
    for package in ("jobs", "udfs"):
        yield from _files(ROOT / package, package)
    # Where the wheel has it too: an entry point finds its views beside the code.
    yield from _files(ROOT / "conf", "jobs/conf")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    record = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    # So that the code knows its version on a cluster, where pip has not installed it.
    yield f"{project['name']}-{project['version']}.dist-info/METADATA", record.encode()


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and path.suffix != ".pyc":
            yield f"{prefix}/{name.as_posix()}", path.read_bytes()


if __name__ == "__main__":
    main()
