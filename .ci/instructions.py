"""Instructions of a path under callgrind, against a committed budget: speed that does not depend on who else is on the machine.

python3 .ci/instructions.py PROGRAM            compares; a rise of more than 5 % fails
python3 .ci/instructions.py PROGRAM --update   writes the budget anew

Counted is the difference between runs of 30 and of 10 paths, without charts, so that reading the scenario does not count.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent
BUDGET = ROOT / ".ci" / "instructions.txt"
SCENARIOS = ["flash-crash", "leverage-cap", "march-2020", "behaviours"]
FEW, MANY, ROOM = 10, 30, 1.05


def written(scenario, folder):
    """The file of a scenario; `behaviours` is flash-crash.toml with the middle setting of benches/paths/people.rs."""
    if scenario != "behaviours":
        return ROOT / "scenarios" / f"{scenario}.toml"
    parts = (ROOT / "benches" / "paths" / "behaviours.toml").read_text()
    for name, value in (("SHARE", "0.12"), ("CAPITAL", "0.012"), ("HAZARD", "0.012")):
        parts = parts.replace(f"= {name}", f"= {value}")
    first, *groups = (ROOT / "scenarios" / "flash-crash.toml").read_text().split("\n[[traders]]\n")
    for group in groups:
        part = parts.split(f"\n# {group.split(chr(34))[1]}\n")[1].split("\n# ")[0]
        first += f"\n[[traders]]\n{group}\n{part}\n"
    file = pathlib.Path(folder) / "behaviours.toml"
    file.write_text(first)
    return file


def instructions(program, scenario, paths):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program, "run",
                   str(written(scenario, folder)), "--quiet", "--threads", "1",
                   "--paths", f"0..{paths}", "--shard-out", f"{folder}/shard"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"{scenario}: cannot be counted\n{done.stderr}")
    return int(found[1])


def main():
    program = sys.argv[1]
    counted = {}
    for name in SCENARIOS:
        few, many = (instructions(program, name, paths) for paths in (FEW, MANY))
        counted[name] = (many - few) // (MANY - FEW)
    if "--update" in sys.argv[2:]:
        BUDGET.write_text("".join(f"{name} {count}\n" for name, count in counted.items()))
    budget = {name: int(count) for name, count in map(str.split, BUDGET.read_text().splitlines())}
    for name, count in counted.items():
        if name in budget:
            print(f"{name}: {count} instructions a path, budget {budget[name]} ({count / budget[name] - 1:+.1%})")
        else:
            print(f"{name}: {count} instructions a path, no budget: `--update` writes it")
    risen = [name for name, count in counted.items() if name in budget and count > budget[name] * ROOM]
    if risen:
        sys.exit(f"more than 5 % above the budget: {', '.join(risen)}; if it is worth that, run "
                 f"`python3 .ci/instructions.py {program} --update` and say why in the commit")


main()
