"""One call, one outcome: against sockets that answer well, badly, half and never."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from random import Random

import pytest
from wire_server import Connection, WireServer, answer, outcome_of, says

from xray_ci.secret import Redactor, Secret
from xray_ci.services import transport as module
from xray_ci.services.auth import Basic, Bearer
from xray_ci.services.body import Pieces, Slice, Upload
from xray_ci.services.transport import Transport
from xray_ci.services.wire import (
    USER_AGENT,
    Answered,
    Call,
    CallKind,
    ConnectionOptions,
    Failed,
    Lost,
    Redirected,
    RefusedAnswer,
    Throttled,
)


def test_json_is_taken_by_content_whatever_its_declared_type():
    """An answer is JSON when its body is, not when its header says so."""
    with WireServer(says(answer(body=b'{"key": "SHOP-1"}', Content_Type="text/html"))) as server:
        outcome = outcome_of(server.url)

    assert isinstance(outcome, Answered)
    assert outcome.json == {"key": "SHOP-1"}


@pytest.mark.parametrize(
    "body", [b"", b"<html>{}</html>", b'{"a": NaN}', b'{"a": 1} trailing', b"[" * 100_000, b"\xff\xfe{"]
)
def test_what_is_no_json_document_is_none(body):
    """Half documents, pages, NaN and absurd depth are no JSON and no crash."""
    with WireServer(says(answer(body=body, Content_Type="application/json"))) as server:
        outcome = outcome_of(server.url)

    assert isinstance(outcome, Answered)
    assert outcome.json is None


def test_a_body_is_sized_and_streamed_from_disk(tmp_path):
    """A body of memory and file slices arrives whole, with its length and without chunks."""
    content = Random(1).randbytes(700_000)
    (tmp_path / "spool").write_bytes(b"before" + content + b"after")
    body = Pieces(pieces=(b"[", Slice(path=tmp_path / "spool", offset=6, length=700_000), b"]"))
    with WireServer(says(answer())) as server, Transport(ConnectionOptions(), Redactor()) as transport:
        transport.call(
            Call(kind=CallKind.IMPORT, method="POST", url=server.url, upload=Upload(content_type="a/b", body=body))
        )

    (request,) = server.requests
    assert request.headers["content-length"] == "700002"
    assert "transfer-encoding" not in request.headers
    assert b"[" + content + b"]" == request.body


def test_a_post_without_body_says_so():
    """A trigger has no body, and its length is said to be 0."""
    with WireServer(says(answer("202 Accepted"))) as server:
        outcome_of(server.url, kind=CallKind.TRIGGER, body=None)

    assert server.requests[0].headers["content-length"] == "0"
    assert "content-type" not in server.requests[0].headers


def test_every_request_says_who_asks():
    """The user agent is ours with its version."""
    with WireServer(says(answer())) as server:
        outcome_of(server.url)

    assert server.requests[0].headers["user-agent"] == USER_AGENT


def test_a_netrc_never_wins_over_our_authorization(tmp_path, monkeypatch):
    """A .netrc that names the host changes nothing, neither with an authorization of ours nor without one."""
    (tmp_path / ".netrc").write_text("default login thief password stolen\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with WireServer(says(answer())) as server:
        outcome_of(server.url, auth=Bearer(token=Secret("ours")))
        outcome_of(server.url)

    assert server.requests[0].headers["authorization"] == "Bearer ours"
    assert "authorization" not in server.requests[1].headers


def test_basic_authentication_is_utf8():
    """User and password beyond ASCII go as UTF-8."""
    with WireServer(says(answer())) as server:
        outcome_of(server.url, auth=Basic(user="jürgen", password=Secret("pässwort")))

    assert server.requests[0].headers["authorization"] == "Basic asO8cmdlbjpww6Rzc3dvcnQ="


def test_gateway_headers_go_along_but_do_not_replace_our_authorization():
    """Headers for a gateway are sent, save one that would replace the authorization."""
    options = ConnectionOptions(
        headers=(("CF-Access-Client-Id", Secret("gate")), ("authorization", Secret("Basic gate")))
    )
    with WireServer(says(answer())) as server:
        outcome_of(server.url, auth=Bearer(token=Secret("ours")), options=options)

    assert server.requests[0].headers["cf-access-client-id"] == "gate"
    assert server.requests[0].headers["authorization"] == "Bearer ours"


def test_gateway_headers_stay_away_from_other_hosts():
    """A call that is not for Jira or Xray goes without the gateway's headers."""
    with WireServer(says(answer())) as server:
        outcome_of(
            server.url,
            kind=CallKind.TRIGGER,
            gateway=False,
            options=ConnectionOptions(headers=(("X-Gate", Secret("gate")),)),
        )

    assert "x-gate" not in server.requests[0].headers


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(status):
    """A redirect is an outcome and nothing is sent after it."""
    with WireServer(says(answer(status, Location="http://127.0.0.1:1/login.jsp"))) as server:
        outcome = outcome_of(server.url)

    assert isinstance(outcome, Redirected)
    assert outcome.location == "http://127.0.0.1:1/login.jsp"
    assert len(server.requests) == 1


def test_no_cookie_is_kept():
    """What one answer sets is not sent with the next request."""
    with (
        WireServer(says(*[answer(Set_Cookie="JSESSIONID=1; Path=/")] * 2)) as server,
        Transport(ConnectionOptions(), Redactor()) as transport,
    ):
        for _ in range(2):
            transport.call(Call(kind=CallKind.READ, method="GET", url=server.url))

    assert len(server.requests) == 2
    assert "cookie" not in server.requests[1].headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad", RefusedAnswer),
        ("404 Not Found", RefusedAnswer),
        ("413 Large", RefusedAnswer),
        ("408 Timeout", Failed),
        ("500 Oops", Failed),
        ("502 Bad Gateway", Failed),
        ("204 None", Answered),
        ("999 What", Failed),
    ],
)
def test_the_status_decides_the_outcome(status, kind):
    """4xx is refused, 5xx and what nobody knows may have been done."""
    with WireServer(says(answer(status))) as server:
        outcome = outcome_of(server.url)

    assert kind is type(outcome)


@pytest.mark.parametrize(
    ("headers", "body", "after"),
    [
        ({"Retry_After": "7"}, b"", 7.0),
        ({"Retry_After": "Tue, 10 Mar 2026 02:31:00 GMT"}, b"", 60.0),
        ({}, b'{"error":{"text":"Too many","nextValidRequestDate":"2026-03-10T02:30:20.000Z"}}', 20.0),
        ({"Retry_After": "soon"}, b'{"error":{"nextValidRequestDate":"2026-03-10T02:30:20Z"}}', 20.0),
        ({"Retry_After": "Tue, 10 Mar 2026 02:00:00 GMT"}, b"", 0.0),
        ({}, b'{"error":"Too many"}', None),
        ({"Retry_After": "-1"}, b"", None),
        ({"Retry_After": "Tue, 10 Mar 2026 02:31:00 +99999999999999999999"}, b"", None),
        ({"X_RateLimit_Reset": "2026-03-10T02:31:30Z"}, b"", 90.0),
        ({"X_RateLimit_Reset": "1773109890"}, b"", None),
        ({"Retry_After": "Tue, 10 Mar 2026 04:31:00 GMT", "Date": "Tue, 10 Mar 2026 04:30:00 GMT"}, b"", 60.0),
        ({"Date": "Tue, 10 Mar 2026 02:30:10 GMT"}, b'{"error":{"nextValidRequestDate":"2026-03-10T02:30:20Z"}}', 10.0),
        ({"Retry_After": "Tue, 10 Mar 2026 02:31:00 GMT", "Date": "yesterday"}, b"", 60.0),
    ],
)
def test_a_wait_is_read_from_header_or_body(headers, body, after):
    """Seconds, a date, else the date in the body, else Jira's reset, else nothing.

    Dates are compared with the answer's own.
    """
    with (
        WireServer(says(answer("429 Too Many", body, **headers))) as server,
        Transport(ConnectionOptions(), Redactor(), now=lambda: datetime(2026, 3, 10, 2, 30, tzinfo=UTC)) as transport,
    ):
        outcome = transport.call(Call(kind=CallKind.READ, method="GET", url=server.url))

    assert isinstance(outcome, Throttled)
    assert after == outcome.after


def test_silence_after_the_request_is_lost():
    """The request was read and no answer comes within the time: nobody knows."""
    done = threading.Event()

    def silent(connection: Connection) -> None:
        connection.request()
        done.wait(10)

    with WireServer(silent) as server:
        outcome = outcome_of(server.url, options=ConnectionOptions(connect_timeout=5, timeout=0.2))
        done.set()

    assert Lost(cause="no answer within 0.2 s", slow=True) == outcome


def test_a_connection_closed_without_answer_is_lost():
    """The request was read and the connection closed: nobody knows."""
    with WireServer(lambda connection: connection.request()) as server:
        outcome = outcome_of(server.url)

    assert isinstance(outcome, Lost)


def test_a_reset_after_the_request_is_lost():
    """The request was read and the connection reset: nobody knows."""

    def resets(connection: Connection) -> None:
        connection.request()
        connection.reset()

    with WireServer(resets) as server:
        outcome = outcome_of(server.url)

    assert isinstance(outcome, Lost)


def test_half_a_success_is_lost_and_half_a_refusal_is_a_refusal():
    """An answer that ends too early: its status still decides a refusal, a success needs its body."""
    with WireServer(
        says(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"key":'),
        says(b"HTTP/1.1 400 Bad\r\nContent-Length: 50\r\n\r\nproject unknown"),
    ) as server:
        success, refusal = outcome_of(server.url), outcome_of(server.url)

    assert Lost(cause="status 200 came, and then the answer ended too early") == success
    assert isinstance(refusal, RefusedAnswer)
    assert refusal.text == "project unknown"


def test_an_endless_answer_is_cut(monkeypatch):
    """No answer is held beyond the bound."""
    monkeypatch.setattr(module, "ANSWER_LIMIT", 1000)
    with WireServer(says(answer(body=b"x" * 200_000))) as server:
        outcome = outcome_of(server.url)

    assert Lost(cause="status 200 came, and then an answer of more than 1,000 bytes") == outcome


def test_a_file_takes_an_answer_of_any_size(monkeypatch, tmp_path):
    """Only a success goes into it; a second try begins the file anew; what is broken is no answer."""
    monkeypatch.setattr(module, "ANSWER_LIMIT", 1000)
    large = answer(body=b"x" * 200_000, Connection="close")
    refused, small = answer("404 Not Found", b"no", Connection="close"), answer(Connection="close")
    with (
        WireServer(says(refused), says(large), says(large[:100_000]), says(small)) as server,
        Transport(ConnectionOptions(), Redactor()) as transport,
        (tmp_path / "file").open("w+b") as file,
    ):
        call = Call(kind=CallKind.READ, method="GET", url=server.url, into=file)
        sizes = []
        outcomes = []
        for _ in range(4):
            outcomes.append(transport.call(call))
            sizes.append(file.seek(0, 2))

    assert [type(outcome) for outcome in outcomes] == [RefusedAnswer, Answered, Lost, Answered]
    assert (sizes[:2], sizes[2] < 200_000, sizes[3] < 1000) == ([0, 200_000], True, True)
    assert outcomes[1].body == b""


def test_a_refusal_while_the_body_is_still_sent_is_read():
    """A server that answers 401 after the head and closes is heard, though the body was not wanted any more."""

    def early(connection: Connection) -> None:
        connection.head()
        connection.send(answer("401 Unauthorized", b'{"error":"no"}', Connection="close"))
        connection.sock.shutdown(socket.SHUT_WR)
        while connection.sock.recv(65536):
            pass

    with WireServer(early) as server:
        outcome = outcome_of(server.url, body=b"x" * 8_000_000)

    assert isinstance(outcome, RefusedAnswer)
    assert outcome.status == 401


def test_a_refusal_and_a_hard_close_while_the_body_is_sent_never_counts_as_sent_or_unsent_wrongly():
    """When the close cuts the answer off, the outcome is the refusal or lost, never `not sent`."""

    def early(connection: Connection) -> None:
        connection.head()
        connection.send(answer("401 Unauthorized", b"{}", Connection="close"))
        connection.reset()

    with WireServer(early) as server:
        outcome = outcome_of(server.url, body=b"x" * 8_000_000)

    assert isinstance(outcome, (RefusedAnswer, Lost))


def test_an_import_never_rides_on_an_idle_connection():
    """A connection that the server may be closing is not used for an import; reads share one."""
    served: list[int] = []

    def counting(connection: Connection) -> None:
        served.append(1)
        while connection.request().line:
            connection.send(answer())

    with WireServer(counting) as server, Transport(ConnectionOptions(), Redactor()) as transport:
        for kind in (CallKind.READ, CallKind.READ, CallKind.IMPORT, CallKind.IMPORT):
            transport.call(Call(kind=kind, method="POST", url=server.url))

    assert len(served) == 3


def test_what_is_observed_holds_no_secret():
    """The line about a call has method, address and status, no header; a secret address is replaced."""
    lines: list[str] = []
    with (
        WireServer(says(answer())) as server,
        Transport(
            ConnectionOptions(headers=(("X-Gate", Secret("gate")),)), Redactor(), observe=lines.append
        ) as transport,
    ):
        transport.call(
            Call(
                kind=CallKind.TRIGGER,
                method="POST",
                url=server.url + "/hidden",
                shown="snapshot of page 1",
                auth=Bearer(token=Secret("token")),
            )
        )

    (line,) = lines
    assert line.startswith("POST snapshot of page 1 (0 bytes) → 200")


def test_representations_hold_no_body():
    """Answers, bodies and options can be printed without showing what is in them."""
    with WireServer(says(answer(body=b'"the-token"'))) as server:
        outcome = outcome_of(server.url)
    shown = (
        repr(outcome)
        + repr(Pieces(pieces=(b"client-secret",)))
        + repr(ConnectionOptions(headers=(("X-Gate", Secret("gate")),)))
    )

    assert "token" not in shown
    assert "client-secret" not in shown
    assert "gate" not in shown
