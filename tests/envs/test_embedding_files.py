"""Workload files: what is written is read back, and what is wrong is named."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from envs.embedding import files
from envs.embedding.files import WorkloadError, of_json, read, to_json, write
from envs.embedding.generate import cross_domain, waxman

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "workloads"

SMALL: dict[str, Any] = {
    "schema": "vne-workload/1",
    "nodes": [{"id": 3, "domain": "access", "cpu": 9.0}, {"id": "b", "cpu": 5}],
    "links": [{"u": 3, "v": "b", "bw": 7.0}],
    "requests": [
        {"id": 1, "t": 2.0, "life": 1.0, "nodes": [1.0], "links": []},
        {"id": 0, "t": 1.0, "life": 1.0, "nodes": [1.0, 2.0], "links": [[1, 0, 3.0]]},
    ],
}


@pytest.mark.parametrize("name", ["xdomain24_s0_300.json", "xdomain24_s7_100.json"])
def test_a_file_of_others_is_written_back_as_it_was(name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"{SHARED / name} is not there")
    assert to_json(read(SHARED / name)) == json.loads((SHARED / name).read_text())


@pytest.mark.parametrize("workload", [cross_domain(1, 20), waxman(1, 20)], ids=lambda one: one.name)
def test_what_is_written_is_read_back(workload: Any, tmp_path: Path) -> None:
    write(workload, tmp_path / "one.json")
    assert read(tmp_path / "one.json") == workload


def test_optional_fields_have_defaults_and_requests_come_in_order_of_arrival() -> None:
    workload = of_json(SMALL)
    assert workload.substrate.ids == (3, "b")
    assert workload.substrate.domains == ("access", None)
    assert workload.substrate.links == ((0, 1),)
    assert [request.id for request in workload.requests] == [0, 1]
    assert workload.requests[0].domains == (None, None)
    assert workload.requests[0].revenue == 6.0


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("schema",), "vne-workload/2", "schema: .*vne-workload/1.*not 'vne-workload/2'"),
        (("nodes",), [], "nodes: "),
        (("nodes", 1, "cpu"), -4.0, r"nodes\[1\]\.cpu: .*not -4.0"),
        (("nodes", 1, "cpu"), float("nan"), r"nodes\[1\]\.cpu: .*not nan"),
        (("nodes", 1, "cpu"), float("inf"), r"nodes\[1\]\.cpu: .*not inf"),
        (("nodes", 1, "cpu"), "5", r"nodes\[1\]\.cpu: .*not '5'"),
        (("nodes", 1, "cpu"), True, r"nodes\[1\]\.cpu: .*not True"),
        (("nodes", 1, "id"), 3, r"nodes\[1\]\.id: a second 3"),
        (("nodes", 1, "id"), 1.5, r"nodes\[1\]\.id.*not 1.5"),
        (("links", 0, "v"), 9, r"links\[0\]\.v: there is no node 9"),
        (("links", 0, "v"), 3, r"links\[0\]: from node 3 to itself"),
        (("links", 0, "bw"), -1.0, r"links\[0\]\.bw: .*not -1.0"),
        (("requests", 0, "nodes"), [-1.0], r"requests\[0\]\.nodes\[0\]: .*not -1.0"),
        (("requests", 0, "nodes"), [], r"requests\[0\]\.nodes: "),
        (("requests", 0, "nodes"), [1.0] * 65, r"requests\[0\]\.nodes: "),
        (("requests", 0, "id"), 0, r"requests\[1\]\.id: a second 0"),
        (("requests", 0, "t"), None, r"requests\[0\]\.t: .*not None"),
        (("requests", 0, "life"), -1.0, r"requests\[0\]\.life: .*not -1.0"),
        (("requests", 1, "links"), [[0, 2, 1.0]], r"requests\[1\]\.links\[0\]: there is no node 2"),
        (("requests", 1, "links"), [[1, 1, 1.0]], r"requests\[1\]\.links\[0\]: from node 1 to it"),
        (("requests", 1, "links"), [[0, 1, 1.0], [1, 0, 1.0]], r"links\[1\]: a second link 1-0"),
        (("requests", 1, "links"), [[0, 1, float("nan")]], r"links\[0\]\[2\]: .*not nan"),
        (("requests", 1, "links"), [[0, 1]], r"requests\[1\]\.links\[0\]"),
        (("requests", 1, "domains"), ["access"], r"requests\[1\]\.domains: 1 of them for 2"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    path: tuple[str | int, ...], value: object, says: str, tmp_path: Path
) -> None:
    content = deepcopy(SMALL)
    into: Any = content
    for part in path[:-1]:
        into = into[part]
    into[path[-1]] = value
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(WorkloadError, match=says) as caught:
        read(tmp_path / "bad.json")
    assert str(caught.value).startswith(str(tmp_path / "bad.json"))
    assert "\n" not in str(caught.value)


def test_a_missing_field_and_a_second_link_are_named() -> None:
    lacking = deepcopy(SMALL)
    del lacking["nodes"][0]["cpu"]
    with pytest.raises(WorkloadError, match=r"nodes\[0\]\.cpu: Field required$"):
        of_json(lacking)
    doubled = deepcopy(SMALL)
    doubled["links"].append({"u": "b", "v": 3, "bw": 1.0})
    with pytest.raises(WorkloadError, match=r"links\[1\]: a second link b-3"):
        of_json(doubled)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"[]", b"null", b"1" * 5000]
)
def test_what_is_no_workload_at_all_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(WorkloadError, match=r"bad\.json: ") as caught:
        read(tmp_path / "bad.json")
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_beyond_the_limit_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FILE_BYTES_MAX", 100)
    (tmp_path / "big.json").write_text(json.dumps(SMALL))
    with pytest.raises(WorkloadError, match="more than 100 bytes"):
        read(tmp_path / "big.json")
