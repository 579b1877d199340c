"""The inventory as a file."""

import json
import subprocess
import zipfile

import pytest
from akscan.errors import AkscanError
from akscan.inventory_file import InventoryFile, InventoryWriter
from akscan.model.gaps import Gap, Reason
from akscan.model.needs import Need
from akscan.testing import inventory, secret, service, spot_node, vault, workload
from support import akscan


def write(path, world):
    with InventoryWriter(path) as writer:
        writer.add_azure(world.azure)
        for cluster in world.clusters:
            writer.add_cluster(cluster.id, cluster.lists)
        writer.finish(world.manifest)


@pytest.fixture
def world():
    return inventory(
        workload(replicas=3), secret(), service(), spot_node(), vault(), unreadable=[Need.NODES, Need.VAULTS]
    )


def test_what_was_written_is_read(world, tmp_path):
    write(tmp_path / "x.akscan", world)
    with InventoryFile(tmp_path / "x.akscan") as file:
        assert file.manifest == world.manifest
        assert file.azure() == world.azure
        assert {key: file.cluster(key) for key in file.members} == {c.id: c.lists for c in world.clusters}


def test_anyone_can_read_it(world, tmp_path):
    write(tmp_path / "x.akscan", world)
    with zipfile.ZipFile(tmp_path / "x.akscan") as members:
        assert set(members.namelist()) == {"manifest.json", "azure.json", "clusters/0001-aks.json"}
        pods = json.loads(members.read("clusters/0001-aks.json"))["pods"]["items"]
    assert pods[0]["spec"]["containers"][0]["image"] == "registry.example/app:1.0"


def test_a_failure_leaves_what_was_there(world, tmp_path):
    target = tmp_path / "x.akscan"
    write(target, world)
    before = target.read_bytes()

    def fail():
        with InventoryWriter(target) as writer:
            writer.add_azure(world.azure)
            raise AkscanError("in the middle")

    with pytest.raises(AkscanError):
        fail()
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def _rewritten(path, **members):
    with zipfile.ZipFile(path) as old:
        kept = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in {**kept, **members}.items():
            if data is not None:
                new.writestr(name, data)


def _truncated(path):
    path.write_bytes(path.read_bytes()[:-40])


def _newer(path):
    with zipfile.ZipFile(path) as old:
        manifest = json.loads(old.read("manifest.json"))
    _rewritten(path, **{"manifest.json": json.dumps({**manifest, "version": "2.0"})})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_truncated, "truncated"),
        (_newer, "version 2.0"),
        (lambda path: path.write_text("hello"), "no akscan inventory"),
        (lambda path: path.write_bytes(b""), "no akscan inventory"),
        (lambda path: path.unlink(), "no such file"),
        (
            lambda path: _rewritten(path, **{"manifest.json": b'{"format": "x", "version": "1"}'}),
            "expected 'akscan-inventory'",
        ),
        (lambda path: _rewritten(path, **{"manifest.json": None}), "manifest.json is missing"),
        (lambda path: _rewritten(path, **{"azure.json": b'{"resources": 7}'}), "azure.json"),
        (lambda path: _rewritten(path, **{"clusters/0001-aks.json": b"{"}), "clusters/0001-aks.json"),
    ],
)
def test_a_file_that_is_not_ours_is_a_clear_error(spoil, message, world, tmp_path):
    path = tmp_path / "x.akscan"
    write(path, world)
    spoil(path)
    outcome = akscan("scan", "--inventory", str(path))
    assert outcome.code == 2
    assert message in outcome.err
    assert str(path) in outcome.err
    assert "Traceback" not in outcome.err


def test_a_newer_minor_version_with_more_in_it_is_read(world, tmp_path):
    path = tmp_path / "x.akscan"
    write(path, world)
    with zipfile.ZipFile(path) as old:
        manifest = json.loads(old.read("manifest.json"))
        azure = json.loads(old.read("azure.json"))
    azure["resources"]["Microsoft.New/things"] = [{"id": "/x"}]
    _rewritten(
        path, **{"manifest.json": json.dumps({**manifest, "version": "1.9", "new": 1}), "azure.json": json.dumps(azure)}
    )
    with InventoryFile(path) as file:
        assert file.azure() == world.azure


def test_a_list_that_an_older_file_lacks_is_not_read(world, tmp_path):
    path = tmp_path / "x.akscan"
    write(path, world)
    with zipfile.ZipFile(path) as old:
        lists = json.loads(old.read("clusters/0001-aks.json"))
    lists.pop("aksNodeClasses", None)
    _rewritten(path, **{"clusters/0001-aks.json": json.dumps(lists)})
    with InventoryFile(path) as file:
        gap = file.cluster(world.clusters[0].id).aks_node_classes.gap
    assert str(gap) == "list aksnodeclasses.karpenter.azure.com was not read for this inventory"


def test_unzip_opens_it(world, tmp_path):
    write(tmp_path / "x.akscan", world)
    listed = subprocess.run(
        ["python3", "-m", "zipfile", "-l", tmp_path / "x.akscan"], capture_output=True, text=True, check=True
    )
    assert "manifest.json" in listed.stdout


def test_gaps_survive(tmp_path):
    world = inventory(unreadable=[Need.PODS])
    write(tmp_path / "x.akscan", world)
    with InventoryFile(tmp_path / "x.akscan") as file:
        (only,) = file.members
        assert file.cluster(only).pods.gap == Gap(
            source="kubernetes", scope="aks", reason=Reason.FORBIDDEN, permission="list pods"
        )
