#!/usr/bin/python3
"""Holds every #include against docs/layers.txt: it points to a lower rank or stays in its folder,
and a third-party library is seen only by the folders it is meant for."""
import re

from tree import ROOT, finish, tracked

FREE = ("tests", "bench")  # may include anything; nothing outside may include them


def read_layers():
    ranks, confined = {}, []
    for line in (ROOT / "docs/layers.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "only":
            confined.append((words[1], words[2:]))
        else:
            ranks.update({folder: int(words[0]) for folder in words[1:]})
    return ranks, confined


def layer_of(path, ranks):
    """The longest ranked folder that holds `path`, or None."""
    parts = str(path).split("/")[:-1]
    for n in range(len(parts), 0, -1):
        if "/".join(parts[:n]) in ranks:
            return "/".join(parts[:n])
    return None


def main():
    ranks, confined = read_layers()
    include = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
    complaints, files = [], tracked("*.h", "*.cc")
    for path in files:
        free = path.parts[0] in FREE
        layer = layer_of(path, ranks)
        if layer is None and not free:
            complaints.append(f"{path}: its folder has no rank in docs/layers.txt")
            continue
        for bracket, target in include.findall((ROOT / path).read_text()):
            if bracket == '"' and (ROOT / target).is_file():
                if free:
                    continue
                if target.split("/")[0] in FREE:
                    complaints.append(f"{path}: includes {target}, which only tests may see")
                    continue
                other = layer_of(target, ranks)
                if other != layer and ranks.get(other, 99) >= ranks[layer]:
                    complaints.append(
                        f"{path}: {layer} (rank {ranks[layer]}) includes {target} of {other} (rank {ranks.get(other)})")
            elif bracket == '"' and "/" not in target:
                complaints.append(f'{path}: "{target}" is not written from the root')
            elif not free:
                for prefix, folders in confined:
                    if target.startswith(prefix) and layer not in folders:
                        complaints.append(f"{path}: <{target}> belongs to {', '.join(folders)} only")
    finish(complaints, len(files))


main()
