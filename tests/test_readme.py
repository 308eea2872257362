"""What README.md shows is what happens: its Python blocks and its commands run, and print what it says."""

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands(block):
    """The commands of a console block, each with the output that it shows."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output.strip()


def test_every_block_is_checked():
    languages = re.findall(r"^```(\S*)\n.*?^```$", README, flags=re.MULTILINE | re.DOTALL)
    # The sh blocks are the two commands, which .ci/run runs in a fresh environment.
    assert set(languages) <= {"sh", "python", "console", "text"}
    assert languages.count("sh") == 2


def test_python_blocks():
    # One session, from the first block to the last. All of it is one string, so that a failure says the block's lines.
    examples = "\n".join(blocks("python"))
    test = doctest.DocTestParser().get_doctest(examples, {"__name__": "__main__"}, "README.md", "README.md", 0)
    assert len(test.examples) >= 10
    report = []
    results = doctest.DocTestRunner().run(test, out=report.append)
    assert results.failed == 0, "".join(report)


def test_commands(tmp_path):
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    environment = dict(os.environ, PYTHONUTF8="1")
    programs = {"s2sad": [sys.executable, "-m", "s2sad"], "python": [sys.executable]}
    found = [pair for block in blocks("console") for pair in commands(block)]
    assert len(found) >= 3
    for command, output in found:
        program, *arguments = shlex.split(command)
        process = subprocess.run(
            [*programs[program], *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            timeout=120,
        )
        assert process.stdout.strip() == output, command


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith(("https://", "#")) or (ROOT / target).exists(), target
