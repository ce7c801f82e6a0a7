"""One contract for every vector store: each tenant sees its own, whatever holds the vectors."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from coordinator.intent import backends
from coordinator.intent.store import (
    POINTS_PER_WRITE_MAX,
    Collection,
    Point,
    VectorStore,
    open_store,
)
from domains.errors import NotPermitted, StoreFailed, WrongState

NEEDED = ("qdrant_client", "qdrant_edge")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
SIZE = 8
Opener = Callable[[Path], VectorStore]

OPENERS: dict[str, Opener] = {
    "edge": lambda folder: open_store(SIZE, folder),
    "edge, temporary": lambda folder: open_store(SIZE),
    "client on a path": lambda folder: VectorStore(backends.on_path(folder, SIZE)),
}


@pytest.fixture(params=list(OPENERS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    opened = OPENERS[request.param](tmp_path / "store")
    yield opened
    opened.close()


def point(key: str, *direction: float, **payload: str | int | float) -> Point:
    vector = np.zeros(SIZE, np.float32)
    vector[: len(direction)] = direction
    return Point(key, vector / np.float32(np.linalg.norm(vector)), payload)


def keys(store: VectorStore, tenant: str, vector: Point, limit: int = 10) -> list[str]:
    found = store.of(tenant).nearest(Collection.OUTCOMES, vector.vector, limit)
    return [match.point.key for match in found]


def test_the_nearest_come_first_with_their_cosine_and_what_they_stand_for(
    store: VectorStore,
) -> None:
    shelf = store.of("acme")
    shelf.put(
        Collection.HISTORY,
        [point("far", 0, 1), point("near", 1, 0.1, text="ärzte", n=3, w=0.5), point("mid", 1, 1)],
    )
    found = shelf.nearest(Collection.HISTORY, point("q", 1).vector, 2)
    assert [match.point.key for match in found] == ["near", "mid"]
    assert found[1].similarity == pytest.approx(0.5**0.5, abs=1e-3)
    assert found[0].point.payload == {"text": "ärzte", "n": 3, "w": 0.5}
    assert np.allclose(found[1].point.vector, point("mid", 1, 1).vector, atol=1e-3)


def test_no_tenant_sees_counts_or_removes_what_belongs_to_another(store: VectorStore) -> None:
    store.of("acme").put(Collection.OUTCOMES, [point("secret", 1)])
    store.of("globex").put(Collection.OUTCOMES, [point("other", 0, 1)])
    assert keys(store, "globex", point("q", 1)) == ["other"]
    assert store.of("globex").count(Collection.OUTCOMES) == 1
    assert [p.key for p in store.of("globex").held(Collection.OUTCOMES)] == ["other"]
    store.of("globex").remove(Collection.OUTCOMES, ["secret"])
    assert keys(store, "acme", point("q", 1)) == ["secret"]


def test_the_same_key_of_two_tenants_is_two_points(store: VectorStore) -> None:
    store.of("acme").put(Collection.OUTCOMES, [point("k", 1, text="mine")])
    store.of("globex").put(Collection.OUTCOMES, [point("k", 1, text="yours")])
    (mine,) = store.of("acme").held(Collection.OUTCOMES)
    assert mine.payload == {"text": "mine"}


def test_what_a_point_says_cannot_change_whose_it_is(store: VectorStore) -> None:
    forged = Point("k", point("q", 1).vector, {"tenant": "globex", "key": "other"})
    store.of("acme").put(Collection.OUTCOMES, [forged])
    assert keys(store, "globex", forged) == []
    assert keys(store, "acme", forged) == ["k"]


def test_the_catalogue_is_everybodys_and_no_tenants_to_write(store: VectorStore) -> None:
    store.public().put(Collection.CATALOGUE, [point("video", 1)])
    acme = store.of("acme")
    assert len(acme.nearest(Collection.CATALOGUE, point("q", 1).vector, 3)) == 1
    with pytest.raises(NotPermitted):
        acme.put(Collection.CATALOGUE, [point("mine", 1)])
    with pytest.raises(NotPermitted):
        acme.remove(Collection.CATALOGUE, ["video"])
    with pytest.raises(NotPermitted):
        store.of("")


def test_what_is_put_in_public_history_is_no_tenants(store: VectorStore) -> None:
    store.public().put(Collection.OUTCOMES, [point("k", 1)])
    assert keys(store, "acme", point("q", 1)) == []


def test_a_key_written_again_replaces_and_a_removed_one_is_gone(store: VectorStore) -> None:
    shelf = store.of("acme")
    shelf.put(Collection.HISTORY, [point("a", 1, n=1), point("b", 0, 1)])
    shelf.put(Collection.HISTORY, [point("a", 1, n=2)])
    assert shelf.count(Collection.HISTORY) == 2
    shelf.remove(Collection.HISTORY, ["b", "never there"])
    (left,) = shelf.held(Collection.HISTORY)
    assert (left.key, left.payload) == ("a", {"n": 2})


def test_more_than_one_write_full_arrives(store: VectorStore) -> None:
    many = [point(str(i), 1, i / 1000) for i in range(POINTS_PER_WRITE_MAX + 7)]
    store.of("acme").put(Collection.HISTORY, many)
    assert store.of("acme").count(Collection.HISTORY) == len(many)
    assert len(store.of("acme").held(Collection.HISTORY)) == len(many)


def test_threads_lose_nothing(store: VectorStore) -> None:
    failed: list[BaseException] = []

    def write(worker: int) -> None:
        try:
            shelf = store.of(f"tenant-{worker % 2}")
            for i in range(20):
                shelf.put(Collection.HISTORY, [point(f"{worker}-{i}", 1, worker, i)])
                shelf.nearest(Collection.HISTORY, point("q", 1).vector, 3)
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
    counts = [store.of(f"tenant-{n}").count(Collection.HISTORY) for n in (0, 1)]
    assert counts == [60, 60]


@pytest.mark.parametrize("kind", ["edge", "client on a path"])
def test_what_was_written_is_there_after_a_restart(kind: str, tmp_path: Path) -> None:
    first = OPENERS[kind](tmp_path / "store")
    first.of("acme").put(Collection.OUTCOMES, [point("k", 1, text="kept")])
    first.close()
    again = OPENERS[kind](tmp_path / "store")
    (kept,) = again.of("acme").held(Collection.OUTCOMES)
    assert kept.payload == {"text": "kept"}
    again.close()


def test_a_killed_process_has_lost_no_acknowledged_write(tmp_path: Path) -> None:
    program = (
        "import sys, os, numpy as np; from pathlib import Path\n"
        "from coordinator.intent.store import Collection, Point, open_store\n"
        f"shelf = open_store({SIZE}, Path(sys.argv[1])).of('acme')\n"
        f"vector = np.ones({SIZE}, np.float32)\n"
        "for i in range(50): shelf.put(Collection.OUTCOMES, [Point(str(i), vector, {})])\n"
        "os.kill(os.getpid(), 9)\n"
    )
    here = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "s")], cwd=here, timeout=50, check=False
    )
    assert done.returncode == -9
    again = open_store(SIZE, tmp_path / "s")
    assert again.of("acme").count(Collection.OUTCOMES) == 50
    again.close()


def test_a_second_owner_of_the_folder_is_refused(tmp_path: Path) -> None:
    first = open_store(SIZE, tmp_path / "store")
    with pytest.raises(WrongState, match="another process"):
        open_store(SIZE, tmp_path / "store")
    first.of("acme").put(Collection.OUTCOMES, [point("k", 1)])
    assert keys(first, "acme", point("q", 1)) == ["k"]
    first.close()


def test_vectors_of_another_size_are_refused(tmp_path: Path) -> None:
    open_store(SIZE, tmp_path / "store").close()
    with pytest.raises(WrongState):
        open_store(SIZE + 1, tmp_path / "store")


def test_a_store_that_fails_says_so_in_our_words(tmp_path: Path) -> None:
    store = open_store(SIZE, tmp_path / "store")
    store.close()
    with pytest.raises(StoreFailed):
        store.of("acme").count(Collection.OUTCOMES)
