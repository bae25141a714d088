from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from core.clock import SimClock
from core.errors import NotAllowed, StoreUnusable
from core.serving.models import Models
from core.serving.shelf import Shelf
from core.training.artefact import Artefact
from tests.serving.tiny import TOKEN, Served, artefact, damaged, serving


@pytest.fixture
def served(tmp_path: Path, clock: SimClock) -> Iterator[Served]:
    with serving(tmp_path / "state", clock, artefact()) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as opened:
        yield opened


def place(client: httpx.Client, made: Artefact, *, path: str = "", sha256: str = "") -> httpx.Response:
    content = made.to_bytes()
    headers = {"X-Artefact-Sha256": sha256 or made.sha256}
    return client.put(path or f"/v1/models/{made.model}/versions/{made.version}", content=content, headers=headers)


def activate(client: httpx.Client, version: int, key: str = "") -> httpx.Response:
    return client.post("/v1/models/m/activate", json={"version": version}, headers={"Idempotency-Key": key})


def active(client: httpx.Client) -> int:
    return int(client.get("/v1/models").json()["models"]["m"]["active"])


def test_a_version_is_placed_then_activated_and_answers(client: httpx.Client) -> None:
    assert place(client, artefact(version=2)).json()["placed"] is True
    assert active(client) == 1
    assert activate(client, 2, "k1").json() == {"model": "m", "version": 2, "previous": 1}
    assert client.post("/v1/models/m/score", json={"inputs": {"a": 1}}).json()["version"] == 2
    assert place(client, artefact(version=2)).json()["placed"] is False


def test_a_key_is_obeyed_once_whatever_happened_since(client: httpx.Client) -> None:
    place(client, artefact(version=2))
    activate(client, 2, "k1")
    activate(client, 1, "k2")
    assert activate(client, 2, "k1").status_code == 200
    assert active(client) == 1
    assert activate(client, 1, "k1").status_code == 422


def test_a_version_that_was_never_placed_is_not_activated(client: httpx.Client) -> None:
    assert activate(client, 7).status_code == 404
    for wrong in ("2", 0, None, True, 1.5):
        answer = client.post("/v1/models/m/activate", json={"version": wrong})
        assert (answer.status_code, answer.json()["field"]) == (400, "version")
    assert active(client) == 1


def test_damaged_files_are_refused_and_change_nothing(client: httpx.Client) -> None:
    good = artefact(version=2)
    before = client.get("/v1/models").json()["models"]
    assert place(client, good, sha256="0" * 64).json()["field"] == "X-Artefact-Sha256"
    assert place(client, replace(good, model="n"), path="/v1/models/m/versions/2").json()["field"] == "model"
    for content in (b"", b"{}", good.to_bytes()[:-40], damaged(good).to_bytes()):
        headers = {"X-Artefact-Sha256": hashlib.sha256(content).hexdigest()}
        answer = client.put("/v1/models/m/versions/2", content=content, headers=headers)
        assert (answer.status_code, answer.json()["field"]) == (400, "body")
        assert "damaged" in answer.json()["error"]
    assert client.get("/v1/models").json()["models"] == before
    assert client.post("/v1/models/m/score", json={"inputs": {"a": 1}}).status_code == 200


def test_one_version_never_gets_two_contents(client: httpx.Client) -> None:
    other = replace(artefact(), threshold=0.25)
    assert place(client, other).status_code == 409


def test_a_models_name_cannot_leave_the_folder(client: httpx.Client, tmp_path: Path) -> None:
    headers = {"X-Artefact-Sha256": artefact().sha256}
    for name in ("..", "a%2F..%2Fb", ".hidden", "x" * 65):
        url = f"/v1/models/{name}/versions/1"
        assert client.put(url, content=artefact().to_bytes(), headers=headers).status_code in (400, 404)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]


def test_switching_versions_fails_no_request(served: Served) -> None:
    wanted = 300

    async def play() -> list[tuple[int, int]]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=served.url, headers=headers, trust_env=False) as client:
            done: list[tuple[int, int]] = []

            async def calls() -> None:
                while len(done) < wanted:
                    answer = await client.post("/v1/models/m/score", json={"inputs": {"a": 1.0}})
                    done.append((answer.status_code, answer.json().get("version", 0)))

            async def switches() -> None:
                two = artefact(version=2)
                headers = {"X-Artefact-Sha256": two.sha256}
                await client.put("/v1/models/m/versions/2", content=two.to_bytes(), headers=headers)
                version = 2
                while len(done) < wanted:
                    answer = await client.post("/v1/models/m/activate", json={"version": version})
                    assert answer.status_code == 200
                    version = 3 - version

            await asyncio.gather(*(calls() for _ in range(6)), switches())
            return done

    answered = asyncio.run(play())
    assert {status for status, _ in answered} == {200}
    assert {version for _, version in answered} == {1, 2}


def test_a_request_keeps_the_version_it_began_with(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "s")
    for version in (1, 2):
        made = artefact(version=version)
        shelf.place("m", version, made.sha256, made.to_bytes())
    shelf.activate("m", 1, "")
    models = Models(shelf)
    begun = models.find("m")
    asyncio.run(models.activate("m", 2, ""))
    assert (begun.version, models.find("m").version) == (1, 2)
    assert 0 < begun.answer({"a": 1.0})[0]["score"] < 1


def test_a_restart_goes_on_with_the_active_version_and_the_obeyed_keys(tmp_path: Path, clock: SimClock) -> None:
    with serving(tmp_path / "s", clock, artefact(), artefact(version=2)) as running:
        asyncio.run(running.app.models.activate("m", 1, "back"))
    with serving(tmp_path / "s", clock) as again:
        assert again.app.models.find("m").version == 1
        asyncio.run(again.app.models.activate("m", 2, ""))
        asyncio.run(again.app.models.activate("m", 1, "back"))
        assert again.app.models.find("m").version == 2


def test_a_file_damaged_on_disk_is_not_served_and_heals_when_placed_again(tmp_path: Path, clock: SimClock) -> None:
    made = artefact()
    with serving(tmp_path / "s", clock, made) as running:
        path = running.app.models.shelf.blobs.path(made.sha256)
    path.write_bytes(path.read_bytes().replace(b"tree", b"tref", 1))
    with serving(tmp_path / "s", clock) as again:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=again.url, headers=headers, trust_env=False) as client:
            broken = client.post("/v1/models/m/score", json={"inputs": {}})
            assert (broken.status_code, "damaged" in broken.json()["error"]) == (503, True)
            assert place(client, made).status_code == 200
            assert client.post("/v1/models/m/score", json={"inputs": {}}).status_code == 200


def test_a_full_disk_changes_nothing(client: httpx.Client, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    import core.serving.shelf as shelf

    def full(path: Path, content: bytes) -> None:
        raise StoreUnusable("the disk is full", "free some space")

    place(client, artefact(version=2))
    monkeypatch.setattr(shelf, "write_whole", full)
    answer = activate(client, 2, "k")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert active(client) == 1
    monkeypatch.undo()
    assert activate(client, 2, "k").status_code == 200


def test_a_state_folder_has_one_endpoint(tmp_path: Path) -> None:
    first = Shelf(tmp_path)
    with pytest.raises(NotAllowed, match="another endpoint"):
        Shelf(tmp_path)
    first.close()
    Shelf(tmp_path).close()


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', json.dumps({"format": 1, "versions": 3})])
def test_a_damaged_state_is_named_and_not_guessed_at(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(StoreUnusable, match="damaged"):
        Shelf(tmp_path)
