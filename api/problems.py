"""From what went wrong to an RFC 9457 problem: one table, and nothing of the error's own words.

Clients act on `type` only. `title` follows Accept-Language. What the exception says, submitted
values, paths, serial numbers and samples never leave: they may hold what nobody outside may see.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog
from flask import Flask, Response, g, json, request
from werkzeug.exceptions import HTTPException, SecurityError

from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout
from edge.sitting import IllegalMove, StaleToken
from edge.store.errors import PackageUnreadable, StoreError, StoreFull

MEDIA_TYPE: Final = "application/problem+json"
LANGUAGES: Final = ("zh-CN", "en")

log = structlog.get_logger("api")


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem; `retry_after_s` is None where waiting does not help."""

    slug: str
    status: int
    title_zh: str
    title_en: str
    retry_after_s: int | None = None

    @property
    def type(self) -> str:
        """The URI that clients act on."""
        return f"urn:anxin:problem:{self.slug}"

    def title(self, language: str) -> str:
        """Return our own sentence in one of `LANGUAGES`."""
        return self.title_zh if language == "zh-CN" else self.title_en


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused member: a JSON pointer (or the parameter's name) and a code, never the value."""

    pointer: str
    code: str


class Refused(Exception):
    """The request cannot be served, for a reason that the interface itself has a slug for."""

    def __init__(
        self, slug: str, errors: Sequence[FieldError] = (), reasons: Sequence[str] = ()
    ) -> None:
        super().__init__(slug)
        self.problem = BY_SLUG[slug]
        self.errors = tuple(errors)
        self.reasons = tuple(reasons)


BY_ERROR: Final[dict[type[BaseException], Problem]] = {
    DeviceAbsent: Problem(
        "device-absent", 503, "设备还没有连接好", "A capture device is not connected.", 10
    ),
    DeviceTimeout: Problem(
        "device-timeout", 504, "设备没有及时回答", "A capture device did not answer in time.", 2
    ),
    DeviceError: Problem("device-failed", 502, "设备出了故障", "A capture device failed."),
    IllegalMove: Problem(
        "illegal-move", 409, "现在不能这样做", "The sitting does not allow that now."
    ),
    StaleToken: Problem(
        "stale-token", 409, "屏幕已经往下走了", "The sitting or its screen went on meanwhile."
    ),
    StoreFull: Problem("store-full", 503, "存储空间已满", "The station's disk is full.", 60),
    PackageUnreadable: Problem(
        "package-unreadable", 500, "存下的包裹读不出来", "The stored package cannot be read."
    ),
    StoreError: Problem(
        "store-failed", 503, "存储暂时不能用", "The station's store does not answer now.", 5
    ),
    Exception: Problem("internal-error", 500, "本机出了差错", "The station made a mistake."),
}

BY_STATUS: Final[dict[int, Problem]] = {
    400: Problem("malformed-request", 400, "请求格式不对", "The request cannot be understood."),
    403: Problem("scope-missing", 403, "没有这个权限", "The client may not do this."),
    404: Problem("not-found", 404, "没有找到", "There is nothing here."),
    405: Problem("method-not-allowed", 405, "不支持这种方法", "The method is not allowed here."),
    411: Problem("length-required", 411, "请求须标明长度", "The request must state its length."),
    413: Problem("too-large", 413, "请求太大", "The request is too large."),
    415: Problem("media-type", 415, "不支持这种内容类型", "This content type is not supported."),
    416: Problem("range", 416, "取不到这个范围", "The range cannot be served."),
    422: Problem("invalid-request", 422, "请求内容不对", "A member of the request is not allowed."),
}  # fmt: skip

_OTHER_STATUS: Final = Problem(
    "request-refused", 400, "请求被拒绝", "The request is refused; its status says why."
)
_FURTHER: Final = (
    _OTHER_STATUS,
    Problem("host-unknown", 400, "地址不对", "The station does not answer to this host name."),
    Problem("idempotency-key-required", 400, "缺少幂等键", "An Idempotency-Key is required."),
    Problem("cursor-invalid", 400, "翻页标记无效", "The cursor does not belong to this list."),
    Problem("origin-foreign", 403, "来源不对", "Requests from other pages are refused."),
    Problem("form-foreign", 403, "表单不是这里的", "The form is not of this session."),
    Problem("signed-out", 401, "请先登录", "Nobody is signed in."),
    Problem("client-unknown", 403, "没有有效的凭证", "The client is not known."),
    Problem("client-denied", 403, "凭证已被停用", "The client has been shut out by the centre."),
    Problem("order-gone", 410, "预约已结束并清除", "The order ended long ago and was forgotten."),
    Problem("package-gone", 410, "包裹已经签收并删除", "The package was receipted and deleted."),
    Problem(
        "idempotency-in-progress", 409, "同一请求正在处理", "The same request is being served.", 1
    ),
    Problem("stale", 412, "内容已经改变", "It changed since it was read."),
    Problem("digest-mismatch", 422, "摘要不符", "The bytes do not have the expected digest."),
    Problem(
        "idempotency-key-reused", 422, "幂等键已用于别的请求",
        "The Idempotency-Key belongs to another request.",
    ),
    Problem("photo-unreadable", 422, "照片无法读取", "The photo cannot be taken over as it is."),
    Problem("if-match-required", 428, "缺少 If-Match", "An If-Match is required."),
    Problem("receipt-conflict", 409, "回执与所存不符", "The receipt contradicts what is held."),
    Problem("receipt-invalid", 422, "回执无效", "The receipt does not prove custody."),
    Problem("leased-by-other", 409, "别的客户端正在取", "Another client has leased the package."),
    Problem("lease-expired", 409, "租约已到期", "The lease is over; take a new one."),
    Problem("leases-exhausted", 409, "租约太多", "The client has too many open leases."),
    Problem("rollback", 409, "已有更新的清单", "A newer list is held already."),
    Problem("signature-invalid", 422, "签名无效", "The pinned root did not sign this."),
    Problem("streams-exhausted", 503, "连接太多", "Too many streams are open.", 30),
    Problem("too-many-requests", 429, "请求太频繁", "The client asks too often.", 1),
    Problem("station-busy", 503, "本机正在接待", "The station serves a person now.", 5),
    Problem("not-accepting", 503, "本机暂不接待", "The station does not accept sittings now.", 10),
)  # fmt: skip

BY_SLUG: Final[dict[str, Problem]] = {
    problem.slug: problem for problem in (*BY_ERROR.values(), *BY_STATUS.values(), *_FURTHER)
}


def problem_for(error: BaseException) -> Problem:
    """Return the problem of a refusal, an HTTP status, or the nearest class in the ancestry."""
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, SecurityError):
        return BY_SLUG["host-unknown"]
    if isinstance(error, HTTPException):
        return _of_status(error.code or 500)
    return next(
        (BY_ERROR[cls] for cls in type(error).__mro__ if cls in BY_ERROR), BY_ERROR[Exception]
    )


def _of_status(status: int) -> Problem:
    # What the server or the framework decides keeps its status, also where no row foresees it.
    other = BY_ERROR[Exception] if status >= 500 else _OTHER_STATUS
    return BY_STATUS.get(status) or replace(other, status=status)


def request_id() -> str:
    """Return this request's id, the same for its log lines, its problem and its answer."""
    if "request_id" not in g:
        g.request_id = str(uuid.uuid4())
    return str(g.request_id)


def language() -> str:
    """Return the one of `LANGUAGES` that the client prefers; the first if it does not say."""
    return request.accept_languages.best_match(LANGUAGES, LANGUAGES[0]) or LANGUAGES[0]


def respond(
    problem: Problem, errors: Sequence[FieldError] = (), reasons: Sequence[str] = ()
) -> Response:
    """Build the answer; `Retry-After` repeats `retry_after_s`."""
    body: dict[str, object] = {
        "type": problem.type,
        "title": problem.title(language()),
        "status": problem.status,
        "instance": f"urn:uuid:{request_id()}",
    }
    if errors:
        body["errors"] = [{"pointer": error.pointer, "code": error.code} for error in errors]
    if reasons:
        body["reasons"] = list(reasons)
    if problem.retry_after_s is not None:
        body["retry_after_s"] = problem.retry_after_s
    answer = Response(json.dumps(body, ensure_ascii=False), problem.status, mimetype=MEDIA_TYPE)
    answer.headers["Content-Language"] = language()
    if problem.retry_after_s is not None:
        answer.headers["Retry-After"] = str(problem.retry_after_s)
    return answer


def answer_error(error: Exception) -> Response:
    """Turn any error into its problem; log the code and the class, and nothing that it says."""
    problem = problem_for(error)
    # A refusal is an answer and no fault, and pages ask again and again: it makes no noise.
    if problem.status >= 500 and not isinstance(error, Refused):
        log.error("request_failed", code=problem.slug, error=type(error).__qualname__,
                  request=request_id(), route=request.endpoint)  # fmt: skip
    said = (error.errors, error.reasons) if isinstance(error, Refused) else ((), ())
    answer = respond(problem, *said)
    if isinstance(error, HTTPException):
        _keep_headers(error, answer)
    return answer


def _keep_headers(error: HTTPException, answer: Response) -> None:
    """Carry over what the status itself demands: Allow of 405, Content-Range of 416."""
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Content-Range"):
            answer.headers[name] = value


def install(app: Flask, answer: Callable[[Exception], Response] = answer_error) -> None:
    """Answer every error of this application with a problem."""
    # HTTPException apart: the handler of Exception alone would turn a 404 into a 500.
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(Exception, answer)
