"""What is said of gates: the first slices of each and how many more, without what would steer a terminal."""

from jobs.surfaces.gates import SLICES, lines


def row(gate, slice_, verdict, *, fails=False):
    return {"gate": gate, "slice": slice_, "verdict": verdict, "fails": fails, "sentence": f"{verdict}: so it is"}


def test_of_a_gate_in_many_slices_the_first_are_told_and_how_many_more():
    rows = [row("honest", f"country={i:03}", "failed", fails=True) for i in range(SLICES + 1_200)]
    rows += [row("honest", "", "undecided"), row("enough", "", "passed")]
    found = list(lines(rows))
    assert found[0] == "gate honest in country=000 FAILS: failed: so it is"
    assert found[SLICES:] == [
        "gate honest FAILS in 1,200 more slices, which gates_latest has",
        "gate honest: undecided: so it is",
        "gates: 1 of 1,207 passed",
    ]


def test_the_name_of_a_slice_cannot_steer_a_terminal():
    (line, _) = lines([row("honest", "country=a\n\x1b[31mb", "failed", fails=True)])
    assert line == r"gate honest in country=a\n\x1b[31mb FAILS: failed: so it is"
