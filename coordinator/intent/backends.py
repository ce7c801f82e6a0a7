"""What holds the vectors: Qdrant in the process (edge), qdrant-client on a path, or a server."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coordinator.intent.encoder import Vectors
from coordinator.intent.store import HELD_MAX, Collection, Match, Payload, Point, Row
from domains.errors import NotFound, Unreachable, WrongState

_TENANT, _KEY = "tenant", "key"
_PREFIX = "entente-"
_TIMEOUT_S = 5


def _kept(row: Row) -> dict[str, Any]:
    """The payload of a row; owner and key cannot be overwritten by what a point says."""
    return {**row.point.payload, _TENANT: row.tenant, _KEY: row.point.key}


def _told(payload: dict[str, Any] | None) -> tuple[str, Payload]:
    """Key and payload of a row."""
    assert payload is not None
    said = dict(payload)
    del said[_TENANT]
    return str(said.pop(_KEY)), said


class EdgeBackend:
    """qdrant-edge: Qdrant's own engine in this process, one shard per collection.

    A shard locks its folder, so one process owns it; a write is in the log when it returns.
    """

    def __init__(
        self, folder: Path, dimension: int, closed: Callable[[], None] = lambda: None
    ) -> None:
        self._closed = closed
        try:
            import qdrant_edge
        except ImportError:
            raise NotFound(
                "the embedded store is not installed: pip install qdrant-edge-py"
            ) from None
        self._edge: Any = qdrant_edge
        self._shards: dict[Collection, Any] = {}
        try:
            for collection in Collection:
                self._shards[collection] = self._open(folder / collection.value, dimension)
        except Exception as error:
            self.close()
            raise WrongState(
                "the memory of intents cannot be opened: another process has it, or it was made"
                " with another encoder",
                folder=folder.name,
            ) from error

    def _open(self, folder: Path, dimension: int) -> Any:
        edge = self._edge
        size = edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)
        config = edge.EdgeConfig(vectors={"": size})
        if folder.is_dir():
            return edge.EdgeShard.load(str(folder), config)
        folder.mkdir(parents=True, mode=0o700)
        shard = edge.EdgeShard.create(str(folder), config)
        # Every read is of one tenant: without the index it looks at what all of them have.
        owner = edge.KeywordIndexParams(is_tenant=True)
        shard.update(edge.UpdateOperation.create_field_index(_TENANT, owner))
        return shard

    def put(self, collection: Collection, rows: Sequence[Row]) -> None:
        """See `Backend`."""
        points = [self._edge.Point(r.id, r.point.vector.tolist(), _kept(r)) for r in rows]
        self._shards[collection].update(self._edge.UpdateOperation.upsert_points(points))

    def nearest(
        self, collection: Collection, tenants: Sequence[str], vector: Vectors, limit: int
    ) -> list[Match]:
        """See `Backend`."""
        found = self._shards[collection].query(
            self._edge.QueryRequest(
                limit,
                query=self._edge.Query.Nearest(vector.tolist()),
                filter=self._of(tenants),
                with_payload=True,
                with_vector=True,
            )
        )
        return [Match(_point(item.payload, item.vector), float(item.score)) for item in found]

    def held(self, collection: Collection, tenants: Sequence[str]) -> list[Point]:
        """See `Backend`."""
        found, _ = self._shards[collection].scroll(
            self._edge.ScrollRequest(
                limit=HELD_MAX, filter=self._of(tenants), with_payload=True, with_vector=True
            )
        )
        return [_point(item.payload, item.vector) for item in found]

    def count(self, collection: Collection, tenants: Sequence[str]) -> int:
        """See `Backend`."""
        request = self._edge.CountRequest(filter=self._of(tenants))
        return int(self._shards[collection].count(request))

    def remove(self, collection: Collection, tenants: Sequence[str], ids: Sequence[str]) -> None:
        """See `Backend`."""
        owned = self._edge.Filter(must=[self._tenant(tenants), self._edge.HasIdCondition(set(ids))])
        self._shards[collection].update(self._edge.UpdateOperation.delete_points_by_filter(owned))

    def close(self) -> None:
        """See `Backend`."""
        while self._shards:
            _, shard = self._shards.popitem()
            shard.flush()
            shard.close()
        self._closed()

    def _of(self, tenants: Sequence[str]) -> Any:
        return self._edge.Filter(must=[self._tenant(tenants)])

    def _tenant(self, tenants: Sequence[str]) -> Any:
        return self._edge.FieldCondition(key=_TENANT, match=self._edge.MatchAny(list(tenants)))


class ClientBackend:
    """qdrant-client, for a server, a local path (one owner, slow) or this process's memory."""

    def __init__(self, client: Any, dimension: int) -> None:
        from qdrant_client import models

        self._client, self._models = client, models
        size = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
        for collection in Collection:
            name = _PREFIX + collection.value
            if not client.collection_exists(name):
                client.create_collection(name, vectors_config=size)
            held = client.get_collection(name).config.params.vectors.size
            if held != dimension:
                raise WrongState(
                    "the memory of intents was made with another encoder",
                    requested=dimension,
                    achievable=held,
                )

    def put(self, collection: Collection, rows: Sequence[Row]) -> None:
        """See `Backend`."""
        points = [
            self._models.PointStruct(id=r.id, vector=r.point.vector.tolist(), payload=_kept(r))
            for r in rows
        ]
        self._client.upsert(_PREFIX + collection.value, points, wait=True)

    def nearest(
        self, collection: Collection, tenants: Sequence[str], vector: Vectors, limit: int
    ) -> list[Match]:
        """See `Backend`."""
        found = self._client.query_points(
            _PREFIX + collection.value,
            query=vector.tolist(),
            query_filter=self._of(tenants),
            limit=limit,
            with_vectors=True,
        ).points
        return [Match(_point(item.payload, item.vector), float(item.score)) for item in found]

    def held(self, collection: Collection, tenants: Sequence[str]) -> list[Point]:
        """See `Backend`."""
        found, _ = self._client.scroll(
            _PREFIX + collection.value,
            scroll_filter=self._of(tenants),
            limit=HELD_MAX,
            with_vectors=True,
        )
        return [_point(item.payload, item.vector) for item in found]

    def count(self, collection: Collection, tenants: Sequence[str]) -> int:
        """See `Backend`."""
        counted = self._client.count(_PREFIX + collection.value, count_filter=self._of(tenants))
        return int(counted.count)

    def remove(self, collection: Collection, tenants: Sequence[str], ids: Sequence[str]) -> None:
        """See `Backend`."""
        owned = self._of(tenants)
        owned.must.append(self._models.HasIdCondition(has_id=list(ids)))
        self._client.delete(
            _PREFIX + collection.value, self._models.FilterSelector(filter=owned), wait=True
        )

    def close(self) -> None:
        """See `Backend`."""
        self._client.close()

    def _of(self, tenants: Sequence[str]) -> Any:
        owner = self._models.MatchAny(any=list(tenants))
        return self._models.Filter(must=[self._models.FieldCondition(key=_TENANT, match=owner)])


def _point(payload: dict[str, Any] | None, vector: Any) -> Point:
    key, said = _told(payload)
    return Point(key, np.asarray(vector, np.float32), said)


def temporary(dimension: int) -> EdgeBackend:
    """The embedded store in a folder that goes with it."""
    folder = tempfile.TemporaryDirectory(prefix="entente-memory-", ignore_cleanup_errors=True)
    return EdgeBackend(Path(folder.name), dimension, folder.cleanup)


def on_path(folder: Path, dimension: int) -> ClientBackend:
    """Where qdrant-edge cannot be had: 40 times slower, the same answers."""
    return ClientBackend(_client(path=str(folder)), dimension)


def at_url(url: str, api_key: str, dimension: int) -> ClientBackend:
    """A Qdrant server; its tenant field gets an index.

    Raises:
        Unreachable: nobody answers there, or the key is refused.
    """
    client = _client(url=url, api_key=api_key or None, timeout=_TIMEOUT_S)
    try:
        backend = ClientBackend(client, dimension)
        for collection in Collection:
            client.create_payload_index(_PREFIX + collection.value, _TENANT, "keyword")
    except WrongState:
        raise
    except Exception as error:
        raise Unreachable("the vector store does not answer", url=url) from error
    return backend


def _client(**how: Any) -> Any:
    try:
        from qdrant_client import QdrantClient
    except ImportError:
        raise NotFound("the vector store needs qdrant-client: pip install qdrant-client") from None
    return QdrantClient(**how)
