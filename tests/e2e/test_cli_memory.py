"""`memory` as people use it: two runs of the assistant, a document, and forgetting it all."""

from pathlib import Path

from tests.e2e.cli import Cli

SHOP = ("--tenant", "memory-shop")
POLICY = "# Refunds\n\nRefunds above 500 EUR need the approval of the finance team.\n"


def test_the_second_run_knows_what_the_first_was_told(cli: Cli, tmp_path: Path) -> None:
    """A preference is stated once and followed; a document is asked about; another sees none."""
    document = tmp_path / "policy.md"
    document.write_text(POLICY)

    stated = cli("run", "assistant", "I prefer answers in capital letters", "--by", "ada", *SHOP)
    added = cli("memory", "add", str(document), "--agent", "assistant", *SHOP)
    asked = cli("run", "assistant", "Who approves refunds?", "--by", "ada", *SHOP)
    stranger = cli("run", "assistant", "Who approves refunds?", "--by", "ada", "--tenant", "m-2")
    found = cli("memory", "search", "approval of refunds", "--agent", "assistant", *SHOP, "--json")

    assert (stated.code, added.code, asked.code, found.code) == (0, 0, 0, 0)
    assert "APPROVAL OF THE FINANCE TEAM. (POLICY.MD, REFUNDS)" in asked.out
    assert "1 preference, 1 passage" in asked.out
    assert "nothing that is remembered fits" in stranger.out
    assert found.json[0]["source"] == "policy.md, Refunds"


def test_forgetting_takes_one_or_all_and_never_anothers(cli: Cli, tmp_path: Path) -> None:
    """By file, by requester, by id and everything; what is not said, or not there, is refused."""
    owner = ("--tenant", "memory-forget")
    for name in ("one.md", "two.md"):
        (tmp_path / name).write_text(POLICY)
        cli("memory", "add", str(tmp_path / name), "--agent", "assistant", "--by", "eve", *owner)
    cli("run", "assistant", "I prefer greetings", "--by", "ada", *owner)
    ids = {row["kind"]: row["id"] for row in cli("memory", "list", "--json", *owner).json}

    foreign = cli("memory", "forget", ids["preference"])
    silent = cli("memory", "forget", *owner)
    by_file = cli("memory", "forget", "--source", "one.md", "--json", *owner)
    by_id = cli("memory", "forget", ids["preference"], *owner)
    by_name = cli("memory", "forget", "--by", "ada", "--dry-run", *owner)
    rest = cli("memory", "forget", "--all", "--json", *owner)

    assert (foreign.code, silent.code) == (1, 2)
    assert "no memory" in foreign.line
    assert "say what to forget" in silent.line
    assert (by_file.json["forgotten"], rest.json["forgotten"]) == (1, 2)
    assert ("forgot 1" in by_id.out, "would forget 1" in by_name.out) == (True, True)
    assert cli("memory", "list", "--json", *owner).json == []
    assert cli("memory", "show", ids["preference"], *owner).code == 1


def test_what_cannot_be_remembered_is_refused_in_one_line(cli: Cli, tmp_path: Path) -> None:
    """A kind, an agent and a file that are none; a sweep without a retention."""
    (tmp_path / "notes.xyz").write_text("x")

    for wrong, said in (
        (("memory", "list", "--kind", "dream"), "expected one of episode"),
        (("memory", "add", str(tmp_path / "notes.xyz"), "--agent", "assistant"), "ends in .htm"),
        (("memory", "add", str(tmp_path / "none.md"), "--agent", "assistant"), "cannot be opened"),
        (("memory", "add", str(tmp_path / "none.md"), "--agent", "nobody"), "unknown agent"),
        (("artifacts", "sweep"), "HOLDFAST_ARTIFACT_RETENTION"),
    ):
        ran = cli(*wrong)
        assert (ran.code, said in ran.line) == (2, True), ran.err
    assert cli("artifacts", "sweep", "--days", "1", "--json").json == {"swept": 0}
    assert cli("memory", "sweep", "--json").json == {"swept": 0}
