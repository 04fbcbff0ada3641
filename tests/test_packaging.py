"""What is shipped works where it is unpacked: the zip for spark-submit, and the wheel."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAM = "import jobs.engines.session, udfs; from jobs.engines.pins import conf_file, installed_versions as v; "
PROGRAM += "print(jobs.__file__); print(v()['lossledger']); print(conf_file('spark-defaults.conf').is_file())"


def zipped(target):
    subprocess.run([sys.executable, ROOT / ".ci" / "package.py", target], check=True, capture_output=True)
    return target


def run(python, directory, program=PROGRAM, **environment):
    """Run a program away from the source tree and return what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-c", program],
        cwd=directory,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_zip_holds_the_code_and_nothing_else(tmp_path):
    names = zipfile.ZipFile(zipped(tmp_path / "a.zip")).namelist()
    source = {
        path.relative_to(ROOT).as_posix() for folder in ("jobs", "udfs") for path in (ROOT / folder).rglob("*.py")
    }
    assert source <= set(names)
    assert "jobs/conf/spark-defaults.conf" in names
    assert {name.split("/")[0] for name in names} == {"jobs", "udfs", "lossledger-0.1.0.dist-info"}
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_zip_is_the_same_bytes_each_time(tmp_path):
    assert zipped(tmp_path / "a.zip").read_bytes() == zipped(tmp_path / "b.zip").read_bytes()


def test_the_zip_imports_from_the_path_alone(tmp_path):
    archive = zipped(tmp_path / "lossledger.zip")
    where, version, has_conf = run(sys.executable, tmp_path, PYTHONPATH=str(archive))
    assert where.startswith(str(archive))
    assert (version, has_conf) == ("0.1.0", "True")


def test_the_zip_has_the_templates_of_the_report(tmp_path):
    archive = zipped(tmp_path / "lossledger.zip")
    template = "from jobs.surfaces.report import page; print(page.__file__, page.template('sections/gates.html')[:6])"
    where, *text = run(sys.executable, tmp_path, template, PYTHONPATH=str(archive))
    assert where.startswith(str(archive))
    assert text == ["{%", "cal"]


@pytest.mark.packaging
def test_the_wheel_installs_and_imports_in_a_clean_environment(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("lossledger-0.1.0-*.whl")
    environment = tmp_path / "environment"
    # Without a pip of its own: Debian's Python has none to give.
    venv.create(environment)
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", "--constraint", str(ROOT / "constraints.txt"), wheel]
    subprocess.run(install, check=True, capture_output=True)
    where, version, has_conf = run(environment / "bin" / "python", tmp_path)
    assert where.startswith(str(environment))
    assert (version, has_conf) == ("0.1.0", "True")
    assert (environment / "bin" / "lossledger").is_file()
