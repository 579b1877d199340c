"""The inventory under pseudonyms: all of its texts, but no field, no type of a resource and no permission."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from akscan.inventory_file import InventoryFile, InventoryWriter
from akscan.model.expander import ExpanderPriorities
from akscan.model.inventory import Azure, Manifest
from akscan.model.literals import Literal
from akscan.model.text import ArmId
from akscan.pseudonyms.known import known_to_rules
from akscan.pseudonyms.names import names_in_ids, names_of_objects, names_of_resources, texts_of
from akscan.pseudonyms.words import replacer

T = TypeVar("T")


@contextmanager
def pseudonymous_writer(path: Path, key: bytes | None) -> Iterator[InventoryWriter]:
    """A writer whose file is under pseudonyms in the end. Until all names are known, the inventory lies in a folder
    that nobody else may enter. Without a key it is an ordinary writer.
    """
    if key is None:
        with InventoryWriter(path) as writer:
            yield writer
        return
    with InventoryWriter(path) as target, TemporaryDirectory(prefix="akscan-") as folder:
        plain = Path(folder) / "plain.akscan"
        with InventoryWriter(plain) as writer:
            yield writer
        with InventoryFile(plain) as file:
            _write(file, target, key)


def _write(file: InventoryFile, target: InventoryWriter, key: bytes) -> None:
    azure = file.azure()
    names = set(names_of_inventory(file.manifest, azure))
    for cluster_id in file.members:
        names.update(names_of_objects(file.cluster(cluster_id)))
    replace = replacer(names, key, known_to_rules())
    target.add_azure(renamed_azure(azure, replace))
    for cluster_id in file.members:
        target.add_cluster(ArmId(replace(cluster_id)), renamed(file.cluster(cluster_id), replace))
    target.finish(renamed_manifest(file.manifest, replace))


def names_of_inventory(manifest: Manifest, azure: Azure) -> Iterator[str]:
    """The names that Azure knows, and those of the scope of a scan."""
    scope = manifest.scope
    yield from (manifest.identity, *(name for names in scope.selectors.values() for name in names))
    yield from (subscription.name for subscription in scope.subscriptions)
    yield from (name for cluster in scope.clusters for name in (cluster.name, cluster.id.name))
    for text in (*texts_of(scope), *texts_of(azure.reads)):
        yield from names_in_ids(text)
    yield from names_of_resources(resource for kind in azure.resources.values() for resource in kind)


def renamed_manifest(manifest: Manifest, replace: Callable[[str], str]) -> Manifest:
    """What akscan itself says stays."""
    return msgspec.structs.replace(
        manifest, identity=replace(manifest.identity), scope=renamed(manifest.scope, replace)
    )


def renamed_azure(azure: Azure, replace: Callable[[str], str]) -> Azure:
    """Resources by the types that they had."""
    return Azure(
        resources={kind: renamed(found, replace) for kind, found in azure.resources.items()},
        reads=tuple(
            msgspec.structs.replace(read, scope=renamed(read.scope, replace), gap=renamed(read.gap, replace))
            for read in azure.reads
        ),
    )


def renamed(value: T, replace: Callable[[str], str]) -> T:
    """The same with another text in every place of one: what is no name comes back as it is."""
    new: object = value
    if isinstance(value, Enum | Literal):
        pass
    elif isinstance(value, ExpanderPriorities):
        new = value.without_names()
    elif isinstance(value, str):
        text = replace(str.__str__(value))
        new = value if str.__eq__(text, value) else type(value)(text)
    elif isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        changed = {name: made for name, old in fields.items() if (made := renamed(old, replace)) is not old}
        new = msgspec.structs.replace(value, **changed) if changed else value
    elif isinstance(value, dict):
        pairs = {renamed(name, replace): renamed(item, replace) for name, item in value.items()}
        new = value if all(map(_is, pairs.items(), value.items())) else pairs
    elif isinstance(value, tuple | frozenset):
        items = [renamed(item, replace) for item in value]
        new = value if all(made is old for made, old in zip(items, value, strict=True)) else type(value)(items)
    return new  # type: ignore[return-value]


def _is(one: tuple[object, object], other: tuple[object, object]) -> bool:
    return one[0] is other[0] and one[1] is other[1]
