"""Who may ask: the right host, the token, known methods and sizes; every response has the headers of security."""

import pytest
from starlette.testclient import TestClient

from nucleate.web.app import make_app
from nucleate.web.guard import LARGEST_BODY, Guard
from nucleate.web.library import Library
from nucleate.web.routes import Shown

TOKEN, HOST = "secret-token", "127.0.0.1:8417"


@pytest.fixture(scope="module")
def guarded(folder) -> TestClient:
    app = Guard(make_app(Shown(Library([folder]))), TOKEN, (HOST, "localhost:8417"))
    return TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=True)


def test_the_address_with_the_token_answers(guarded):
    assert guarded.get(f"/{TOKEN}/").status_code == 200
    assert guarded.get(f"/{TOKEN}/api/library").status_code == 200
    assert guarded.get(f"/{TOKEN}/app.js").headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["/", "/api/library", f"/{TOKEN}", "/secret-toke/", f"/x/{TOKEN}/", "/Secret-token/", "//"]
)
def test_without_the_token_there_is_nothing(guarded, path):
    assert guarded.get(path, follow_redirects=False).status_code == 404


@pytest.mark.parametrize(
    "host", ["example.org", "127.0.0.1", "127.0.0.1:80", "evil.test:8417", "127.0.0.1:8417.evil.test", ""]
)
def test_another_host_is_refused(guarded, host):
    assert guarded.get(f"/{TOKEN}/", headers={"host": host}).status_code == 421


def test_another_origin_is_refused(guarded):
    assert guarded.get(f"/{TOKEN}/", headers={"origin": "http://evil.test"}).status_code == 403
    assert guarded.get(f"/{TOKEN}/", headers={"origin": "null"}).status_code == 403
    assert guarded.get(f"/{TOKEN}/", headers={"origin": f"http://{HOST}"}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_unknown_methods_are_refused(guarded, method):
    assert guarded.request(method, f"/{TOKEN}/").status_code == 405


def test_large_requests_are_refused(guarded):
    assert guarded.post(f"/{TOKEN}/api/library", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert guarded.get(f"/{TOKEN}/api/library?{'x' * 9000}").status_code == 414


@pytest.mark.parametrize("path", ["", "api/library", "api/table/none", "app.js", "none"])
def test_every_response_has_the_headers(guarded, path):
    headers = guarded.get(f"/{TOKEN}/{path}").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "name",
    [
        "..%2f__init__.py",
        "%2e%2e/app.py",
        "../guard.py",
        "..\\guard.py",
        "static",
        "__init__.py",
        "app.js%00",
        "C:\\boot.ini",
    ],
)
def test_no_file_beside_the_page_can_be_had(guarded, name):
    assert guarded.get(f"/{TOKEN}/{name}").status_code in (400, 404)


def test_small_answers_are_sent_at_once():
    """asyncio switches Nagle's algorithm off for sockets that name their protocol; else each answer waits 40 ms."""
    import socket

    from nucleate.web.serve import listen

    with listen(None) as one, socket.create_connection(one.getsockname()):
        accepted, _ = one.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP
