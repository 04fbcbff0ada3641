"""Delta's jars come from an own folder, then Ivy's cache, then the resolver, which is asked once."""

import base64
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyspark
import pytest

from jobs.engines import jars, trust
from jobs.engines.pins import PAIRS, pair_of
from jobs.errors import EngineError

DELTA = jars.delta(pair_of(pyspark.__version__))
# A self-signed certificate of nobody, DER.
AUTHORITY = base64.b64decode(
    "MIIBjjCCATOgAwIBAgIUNuvozke1GqYJplWO3fV8ntuAyDowCgYIKoZIzj0EAwIwGzEZMBcGA1UEAwwQYSB0ZXN0IGF1dGhvcml0"
    "eTAgFw0yNjExMjExMDU4MjNaGA8yMTI2MTAyODEwNTgyM1owGzEZMBcGA1UEAwwQYSB0ZXN0IGF1dGhvcml0eTBZMBMGByqGSM49"
    "AgEGCCqGSM49AwEHA0IABKSE6o3PAa6CxPfwpkSCSjwn7IFzMqZ/aEnFV/ZElvC5fneQVIwcAq1ZaADGeFfDWmF2RyBOdJ+88qsP"
    "P6QEv5ejUzBRMB0GA1UdDgQWBBQthKDDz+Dmf5OSx94lJCbPkaz+BjAfBgNVHSMEGDAWgBQthKDDz+Dmf5OSx94lJCbPkaz+BjAP"
    "BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCkoRpDNntjHu73H9MqNyeTq9PVuFAmhHLj+vMcsWqkuAIhANupLgqm"
    "T6ieVSh1oCkOHpTlp/cmnRE0aD5oPHt5m9YO"
)


def fill(folder, coordinates=DELTA, with_group=True):
    """Write a tiny jar for each coordinate, named as Ivy or as Maven does."""
    folder.mkdir(parents=True, exist_ok=True)
    for coordinate in coordinates:
        group, artifact, version = coordinate.split(":")
        name = f"{group}_{artifact}-{version}.jar" if with_group else f"{artifact}-{version}.jar"
        with zipfile.ZipFile(folder / name, "w") as jar:
            jar.writestr("META-INF/MANIFEST.MF", "")


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Start with no jars, and record what would be submitted instead of fetching."""
    monkeypatch.delenv(jars.FOLDER, raising=False)
    monkeypatch.setattr(jars.java, "java_home", lambda: tmp_path)


@pytest.fixture
def submitted(monkeypatch):
    """Stand in for spark-submit: keep the calls; `answer` says what each does."""
    calls = []

    def run(command, **options):
        calls.append(command)
        return run.answer(command)

    run.answer = lambda command: subprocess.CompletedProcess(command, 1, "", "Server access error at url x (no route)")
    run.calls = calls
    monkeypatch.setattr(jars.subprocess, "run", run)
    return run


def fetched_into(ivy):
    def answer(command):
        fill(ivy / "jars")
        return subprocess.CompletedProcess(command, 0, "", "")

    return answer


def test_they_are_eight_of_which_one_is_made_for_a_release_of_spark():
    first, second = map(jars.delta, PAIRS)
    assert len(first) == len(second) == 8
    assert first[0] == "io.delta:delta-spark_4.1_2.13:4.4.0" and first[1:] == second[1:]


@pytest.mark.parametrize("with_group", [True, False])
def test_an_own_folder_comes_first(monkeypatch, tmp_path, submitted, with_group):
    fill(tmp_path / "own", with_group=with_group)
    fill(tmp_path / "ivy" / "jars")
    monkeypatch.setenv(jars.FOLDER, str(tmp_path / "own"))
    found = jars.delta_jars(tmp_path / "ivy")
    assert {path.parent for path in found} == {tmp_path / "own"}
    assert len(found) == 8
    assert submitted.calls == []


def test_an_own_folder_that_lacks_one_is_refused(monkeypatch, tmp_path, submitted):
    fill(tmp_path, DELTA[1:])
    monkeypatch.setenv(jars.FOLDER, str(tmp_path))
    with pytest.raises(EngineError, match=rf"lack {DELTA[0]}; complete {jars.FOLDER}"):
        jars.delta_jars()
    assert submitted.calls == []


def test_the_cache_needs_no_network(tmp_path, submitted):
    fill(tmp_path / "jars")
    assert len(jars.delta_jars(tmp_path)) == 8
    assert submitted.calls == []


def test_they_are_fetched_once(tmp_path, submitted):
    submitted.answer = fetched_into(tmp_path)
    assert jars.delta_jars(tmp_path) == jars.delta_jars(tmp_path)
    (command,) = submitted.calls
    assert f"spark.jars.packages={DELTA[0]}" in command
    assert f"spark.jars.excludes={','.join(jars.EXCLUDES)}" in command
    assert f"spark.jars.ivy={tmp_path}" in command


def test_those_of_comet_are_fetched_where_it_is_asked_for_alone(tmp_path, submitted):
    pair = PAIRS[0]
    assert jars.comet_jars(pair, tmp_path, fetch=False) == ()
    assert submitted.calls == []

    def answer(command):
        fill(tmp_path / "jars", jars.comet(pair))
        return subprocess.CompletedProcess(command, 0, "", "")

    submitted.answer = answer
    found = jars.comet_jars(pair, tmp_path, fetch=True)
    assert [path.name.split("-")[0] for path in found] == ["org.apache.datafusion_comet", "org.scala"]
    (command,) = submitted.calls
    assert f"spark.jars.packages={jars.comet(pair)[0]}" in command
    assert jars.comet_jars(pair, tmp_path, fetch=False) == found


def test_a_spark_without_comet_has_no_jars_of_it(tmp_path, submitted):
    assert jars.comet_jars(PAIRS[1], tmp_path, fetch=True) == ()
    assert submitted.calls == []


def test_a_jar_that_was_cut_off_is_fetched_again(tmp_path, submitted):
    fill(tmp_path / "jars")
    (tmp_path / "jars" / "io.delta_delta-storage-4.4.0.jar").write_bytes(b"PK\x03\x04 half a jar")
    submitted.answer = fetched_into(tmp_path)
    assert len(jars.delta_jars(tmp_path)) == 8
    assert len(submitted.calls) == 1


def test_where_java_trusts_nobody_it_trusts_whom_python_trusts(tmp_path, submitted):
    def answer(command):
        trusting = any("-Djavax.net.ssl.trustStore=" in part for part in command)
        return (
            fetched_into(tmp_path)(command)
            if trusting
            else subprocess.CompletedProcess(command, 1, "", "SSLHandshakeException: PKIX")
        )

    submitted.answer = answer
    assert len(jars.delta_jars(tmp_path)) == 8
    assert len(submitted.calls) == 2


def test_no_network_says_why_and_what_to_do(tmp_path, submitted):
    with pytest.raises(EngineError) as caught:
        jars.delta_jars(tmp_path)
    told = str(caught.value)
    assert "no route" in told
    assert len(submitted.calls) == 1
    assert "lossledger doctor --engine spark" in told
    assert jars.FOLDER in told


def test_a_resolver_that_hangs_is_given_up(monkeypatch, tmp_path):
    def run(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(jars.subprocess, "run", run)
    with pytest.raises(EngineError, match="within 600 s"):
        jars.delta_jars(tmp_path)


def test_the_command_prints_the_paths(monkeypatch, tmp_path, capsys):
    fill(tmp_path)
    monkeypatch.setenv(jars.FOLDER, str(tmp_path))
    jars.main()
    assert len(capsys.readouterr().out.split()) == 8


def test_keytool_reads_the_trust_store(monkeypatch, tmp_path):
    keytool = shutil.which("keytool")
    store = tmp_path / "trust.jks"
    # One self-signed authority is enough to prove the format; the machine may have none.
    monkeypatch.setattr(trust, "_authorities", lambda: [AUTHORITY])
    assert trust.write_trust_store(store)
    assert store.read_bytes()[:12] == bytes.fromhex("feedfeed0000000200000001")
    if keytool is not None:
        command = [keytool, "-list", "-keystore", str(store), "-storepass", trust.PASSWORD]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "1 entry" in listed.stdout, listed.stdout + listed.stderr


def test_no_authority_makes_no_store(monkeypatch, tmp_path):
    monkeypatch.setattr(trust, "_authorities", list)
    assert not trust.write_trust_store(tmp_path / "trust.jks")
    assert not Path(tmp_path / "trust.jks").exists()


def cached(ivy, content=b""):
    """Ivy's folder of each module, with a jar and a description as a broken network leaves them."""
    for coordinate in DELTA:
        group, artifact, version = coordinate.split(":")
        folder = ivy / "cache" / group / artifact
        (folder / "jars").mkdir(parents=True)
        (folder / f"ivy-{version}.xml").write_bytes(b"<ivy-module")
        (folder / "jars" / f"{artifact}-{version}.jar").write_bytes(content)
        (folder / "jars" / f"{artifact}-{version}.jar.part").write_bytes(b"PK")


def half_of_a_jar(folder):
    fill(folder)
    whole = next(folder.iterdir()).read_bytes()
    shutil.rmtree(folder)
    return whole[: len(whole) // 2]


def test_half_a_jar_is_fetched_again(tmp_path, submitted):
    cached(tmp_path, half_of_a_jar(tmp_path / "whole"))
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "io.delta_delta-storage-4.4.0.jar").write_bytes(b"PK")

    def answer(command):
        # Ivy copies what it holds for whole.
        assert list(tmp_path.rglob("*.jar")) == []
        return fetched_into(tmp_path)(command)

    submitted.answer = answer
    assert len(jars.delta_jars(tmp_path)) == 8
    assert len(submitted.calls) == 1


def test_half_a_description_is_fetched_again(tmp_path, submitted):
    cached(tmp_path)

    def answer(command):
        if list((tmp_path / "cache").rglob("*.xml")):
            return subprocess.CompletedProcess(command, 1, "", "SAXParseException: XML document structures must start")
        return fetched_into(tmp_path)(command)

    submitted.answer = answer
    assert len(jars.delta_jars(tmp_path)) == 8
    assert len(submitted.calls) == 2


def test_what_is_no_part_of_ours_stays(tmp_path, submitted):
    other = tmp_path / "cache" / "org.other" / "thing" / "jars" / "thing-1.jar"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"half")
    cached(tmp_path)
    with pytest.raises(EngineError, match="no route"):
        jars.delta_jars(tmp_path)
    assert other.exists()


def test_a_jar_with_a_damaged_member_is_not_whole(tmp_path):
    path = tmp_path / "a.jar"
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("a.class", b"x" * 1000)
    content = bytearray(path.read_bytes())
    assert jars._is_whole(path)
    content[200] = 0
    path.write_bytes(content)
    assert zipfile.is_zipfile(path) and not jars._is_whole(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, submitted):
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=rf"cannot write {tmp_path}/file/ivy \(Not a directory\); set"):
        jars.delta_jars(tmp_path / "file" / "ivy")


def test_one_process_fetches_while_the_others_wait(tmp_path, submitted):
    submitted.answer = fetched_into(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: len(jars.delta_jars(tmp_path)), range(4)))
    assert found == [8] * 4
    assert len(submitted.calls) == 1
