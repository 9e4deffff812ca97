"""Checks licences, bans and sources of all dependencies against deny.toml, where cargo-deny is not installed."""

import json
import re
import subprocess
import sys
import tomllib

with open("deny.toml", "rb") as file:
    rules = tomllib.load(file)
allowed = set(rules["licenses"]["allow"])
banned = {entry["crate"] for entry in rules["bans"]["deny"]}
metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--locked", "--format-version", "1"]))


def free(expression):
    """Whether one alternative of an SPDX expression has only allowed parts (`/` is an old way to write OR)."""
    text = (expression or "").replace("/", " OR ")
    inner = re.search(r"\(([^()]*)\)", text)
    if inner:
        return free(text[: inner.start()] + ("MIT" if free(inner[1]) else "unfree") + text[inner.end() :])
    return any(all(part.strip() in allowed for part in way.split(" AND ")) for way in text.split(" OR "))


wrong = []
for package in metadata["packages"]:
    name = f"{package['name']} {package['version']}"
    if not free(package["license"]):
        wrong.append(f"{name}: licence {package['license']}")
    if package["name"] in banned:
        wrong.append(f"{name}: banned")
    if package["source"] not in (None, "registry+https://github.com/rust-lang/crates.io-index"):
        wrong.append(f"{name}: from {package['source']}")
print("\n".join(wrong) or f"{len(metadata['packages'])} packages are free to ship")
sys.exit(bool(wrong))
