"""What each command does with a process: settings, log and a job are made here, the pipeline does the work.

The command line: the only place that reads the environment and arguments, handles signals and decides how to exit.

`execute` does everything with what it is handed; `process` hands it this process. Both import late: `--help` needs the
tables.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Final, TextIO, assert_never

from xray_ci.ci.console import Console, Level, colored, linking, watched
from xray_ci.ci.provider import Surroundings, in_matrix, surroundings
from xray_ci.errors import Failure, many, worst_exit
from xray_ci.model import Process
from xray_ci.pipeline.job import Job, WorkFolder, spools
from xray_ci.pipeline.state import StateFolder
from xray_ci.secret import Redactor
from xray_ci.settings import config
from xray_ci.settings.table import PREVIOUS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xray_ci.ci.result import RunResult
    from xray_ci.ci.syntax import Summaries
    from xray_ci.settings.flags import Parsed
    from xray_ci.settings.values import Settings


_EXCHANGE: Final = frozenset({"features export", "features import", "results export", "tests import", "backup"})
"""Commands that take or give what Xray holds, beside results."""


def run(command: str, parsed: Parsed, process: Process) -> int:
    """Run a command that needs settings; return its exit code. Raises ConfigurationError."""
    settings, around = _loaded(command, parsed, process)
    around = in_matrix(around, settings.github_matrix, settings.github_strategy)
    redactor = _redactor(process.env)
    for secret in settings.secrets():
        redactor.register(secret)
    work = (
        StateFolder(settings, around)
        if command == "import" and not settings.dry_run
        else WorkFolder(around.temp if _is_folder(around.temp) else None)
    )
    talks = command in ("import", "plan", "snapshots", "resume", "collect")
    told = talks or command in _EXCHANGE
    document = process.out if command == "plan" and parsed.options.get("json") else None
    console = _console(
        process.out if told and document is None else process.err, settings, around, redactor, process.env
    )
    page, history = spools(command, settings, redactor)
    try:
        job = Job(
            settings=settings,
            surroundings=around,
            console=console,
            redactor=redactor,
            work=work,
            now=datetime.now(UTC),
            clock=process.clock,
            sleep=process.sleep,
            random=SystemRandom(),
            page=page,
            history=history,
            private=_private(settings, process.env, around),
            document=document,
            whole=bool(parsed.options.get("all")),
        )
        if command in _EXCHANGE:
            from xray_ci import exchange  # noqa: PLC0415

            return exchange.run(command, job, parsed.options, Path(process.folder))
        return _do(command, parsed, process, job)
    except Failure as failure:
        console.failure(failure)
        return failure.exit_code
    except Exception as error:  # told here, where the log level is known
        if isinstance(error, BrokenPipeError) and not talks:
            raise
        console.defect(error)
        return 70
    finally:
        for spooled in (page, history):
            if spooled is not None:
                spooled.close()
        work.close()
        console.close()


def _loaded(command: str, parsed: Parsed, process: Process) -> tuple[Settings, Surroundings]:
    """Return the settings of a command and what is around it; raises ConfigurationError."""
    around = surroundings(process.env)
    settings = config.load(
        parsed.flags,
        _given(process.env, around),
        Path(process.folder),
        command=command,
        github=around.provider.key == "github",
        withheld=around.outsider is not None,
        cause=around.secrets,
    )
    return settings, around


def _redactor(env: Mapping[str, str]) -> Redactor:
    """Return a redactor that knows the secrets of the environment, whatever is wrong with the settings."""
    from xray_ci.settings import config  # noqa: PLC0415

    redactor = Redactor()
    for text in config.secrets_of(env):
        redactor.register(text)
    return redactor


def _given(env: Mapping[str, str], around: Surroundings) -> Mapping[str, str]:
    """Return the environment without what only looks set."""
    unset = around.provider.unset
    return env if unset is None else {name: value for name, value in env.items() if not unset.fullmatch(value)}


def _do(command: str, parsed: Parsed, process: Process, job: Job) -> int:  # noqa: PLR0911 - a command a line
    from xray_ci import pipeline  # noqa: PLC0415

    match command:
        case "inspect":
            from xray_ci.pipeline import offline  # noqa: PLC0415

            return offline.inspect(job, process.out, as_json=bool(parsed.options.get("json")))
        case "convert":
            from xray_ci.pipeline import offline  # noqa: PLC0415

            output = parsed.options.get("output")
            return offline.convert(job, process.out, Path(process.folder) / str(output) if output else None)
        case "collect":
            from xray_ci.pipeline import collecting  # noqa: PLC0415

            output = parsed.options.get("output")
            return collecting.collect(job, Path(process.folder), str(output) if output else None)
        case "check" | "probe":
            return _look(command, parsed, process, job)
        case "resume":
            return _resume(parsed, job)
        case "select":
            from xray_ci.pipeline import selecting  # noqa: PLC0415

            return selecting.select(job, process.out, {name: str(text) for name, text in parsed.options.items()})
        case _:
            return _publish(pipeline.refresh(job) if command == "snapshots" else pipeline.run(job), job)


def _look(command: str, parsed: Parsed, process: Process, job: Job) -> int:
    """Look at the site: at what an import relies on, or at every fact."""
    if command == "check":
        from xray_ci import pipeline  # noqa: PLC0415
        from xray_ci.pipeline import checking  # noqa: PLC0415

        as_json = bool(parsed.options.get("json"))
        return checking.check(job, process.out, as_json=as_json, withheld=pipeline.withheld(job))
    from xray_ci.pipeline import probing  # noqa: PLC0415

    return probing.probe(job, process.out, probing.ordered(parsed.options, Path(process.folder)))


def _resume(parsed: Parsed, job: Job) -> int:
    from xray_ci import pipeline  # noqa: PLC0415
    from xray_ci.pipeline import state  # noqa: PLC0415

    if not parsed.options:
        return _publish(pipeline.resume(job), job)
    run = parsed.options.get("drop")
    return state.manage(job, None if "list" in parsed.options else run if isinstance(run, str) else "")


def _publish(result: RunResult, job: Job) -> int:
    """Write every view of the result, then the one line that ends the log."""
    from xray_ci.ci import outputs  # noqa: PLC0415

    command = job.console.command
    settings, around = job.settings, job.surroundings
    temp = Path(around.temp) if around.temp else None
    takes = around.provider.handover
    warnings = outputs.publish(
        result,
        redact=job.redactor,
        workspace=settings.workspace,
        temp=temp,
        kind=takes.outputs,
        outputs_file=around.outputs_file,
        log=command,
        result_file=settings.result_file,
        dotenv_file=settings.dotenv_file,
        history=job.history.lines() if job.history is not None else None,
    )
    if settings.html_report is not None and job.page is not None:
        from xray_ci.ci import html  # noqa: PLC0415

        roots = (settings.workspace, temp) if temp else (settings.workspace,)
        warnings += html.publish(result, job.page, settings.html_report, roots, redact=job.redactor)
    if settings.comment_file is not None:
        from xray_ci.ci import summary  # noqa: PLC0415

        roots = (settings.workspace, temp) if temp else (settings.workspace,)
        warnings += summary.comment(result.redacted(job.redactor), settings.comment_file, roots)
    if settings.job_summary:
        warnings += _summarize(result, job, takes.summary, temp, command)
    for warning in warnings:
        job.console.warning(warning)
    code = worst_exit({result.exit_code})
    job.console.info(_ending(result, code))
    return code


def _ending(result: RunResult, code: int) -> str:
    """Return the last line of the log: what became of the run, and why it is red."""
    told = f"{result.outcome.value}, exit code {code}, {many(result.requests, 'request')}, {result.seconds:.1f} s"
    why = next((one.what for one in result.troubles if one.exit_code == code), None) if code else None
    return f"{told}: {why}" if why else told


def _summarize(
    result: RunResult, job: Job, kind: Summaries, temp: Path | None, command: Callable[[str], None]
) -> tuple[str, ...]:
    """Put the summary where the CI system shows one; return warnings."""
    from xray_ci.ci.syntax import Summaries  # noqa: PLC0415

    if kind is Summaries.NONE or (kind is Summaries.GITHUB and not job.surroundings.summary_file):
        return ()
    from xray_ci.ci import outputs, summary  # noqa: PLC0415

    match kind:
        case Summaries.GITHUB:
            return summary.publish(result, summary_file=job.surroundings.summary_file, redact=job.redactor)
        case Summaries.AZURE:
            return outputs.upload(summary.markdown(result.redacted(job.redactor)), temp, command)
        case Summaries.TEAMCITY:
            clean = result.redacted(job.redactor)
            keys = f" into {clean.executions[0].key}" if clean.executions else ""
            outputs.status(f"Xray: {summary.headline(clean)[1]}{keys}", command)
            return ()
    assert_never(kind)


def _console(
    stream: TextIO, settings: Settings, around: Surroundings, redactor: Redactor, env: Mapping[str, str]
) -> Console:
    level = Level.DEBUG if around.debug else Level.named(settings.log_level)
    return Console(
        stream,
        level=level,
        surroundings=around,
        redactor=redactor,
        color=colored(stream, env),
        links=linking(stream, env),
        bars=watched(stream, env),
        annotations=settings.annotations,
    )


def _private(settings: Settings, env: Mapping[str, str], around: Surroundings) -> tuple[Path, ...]:
    """Return files and folders that no report may name as evidence: those of secrets, and all that is ours.

    With a secret's file that cannot be identified, that is the whole workspace.
    """
    from xray_ci.pipeline.state import state_dir  # noqa: PLC0415
    from xray_ci.settings import config  # noqa: PLC0415

    secret = [settings.workspace / path for path in config.secret_files(env)]
    if not all(path.exists() for path in secret):
        return (settings.workspace,)
    own = [
        settings.config,
        settings.client_certificate,
        settings.client_key,
        settings.result_file,
        None if settings.baseline == PREVIOUS else settings.baseline,
        settings.html_report,
        settings.comment_file,
        settings.dotenv_file,
        settings.workspace / ".xray-ci.yml",
        state_dir(settings, around)[0],
    ]
    return (*secret, *(settings.workspace / path for path in own if path is not None))


def _is_folder(path: str | None) -> bool:
    return path is not None and Path(path).is_dir()


_BROKEN_PIPE: Final = 141
"""What a shell reports for a program whose reader went away."""


def process() -> int:
    """Run this process's command line; return the exit code."""
    _hold_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _process()
    finally:
        _let_go()


def _hold_streams() -> None:
    """Put nothing in the place of streams that were closed before we began.

    What is opened next must not be taken for one of them.
    """
    import os  # noqa: PLC0415

    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:  # noqa: PLR2004
            pass
        os.close(descriptor)
        sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def _let_go() -> None:
    """Give up what a stream did not take: at its end Python would try again, and change the exit code."""
    import os  # noqa: PLC0415

    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _process() -> int:
    import os  # noqa: PLC0415

    try:
        folder = os.getcwd()  # noqa: PTH109  # a name and no Path: help is answered without pathlib
    except OSError as error:
        from xray_ci.errors import ConfigurationError  # noqa: PLC0415

        gone = ConfigurationError(
            f"there is no working directory: {error.strerror}",
            where="the current folder",
            slug="closed-workspace",
            advice="Start in a folder that is there and that this user may enter.",
        )
        return _told(gone, Process((), os.environ, "/", sys.stdout, sys.stderr))
    return execute(Process(sys.argv[1:], os.environ, folder, sys.stdout, sys.stderr, alone=True))


def execute(process: Process) -> int:
    """Run one command; return its exit code. Help is answered before anything but the tables is imported."""
    from xray_ci.errors import Failure  # noqa: PLC0415
    from xray_ci.settings import flags  # noqa: PLC0415

    try:
        if process.argv[:1] == ["run"]:
            return _wrapped(process)
        parsed = flags.parse(process.argv)
        return _answer(parsed, process) if parsed.help or parsed.version else _command(parsed, process)
    except BrokenPipeError:
        return _BROKEN_PIPE
    except Failure as failure:
        return _told(failure, process)
    except Exception as error:  # noqa: BLE001  # the last line of defence: a defect is told, never a traceback
        return _told(error, process)


_GIVES_WAY: Final = frozenset({0, 1, 9})
"""Codes of an import after which `run` ends with the code of its command: all is in Xray."""


def _wrapped(process: Process) -> int:
    """Run a test command, then import what it left; wrong settings are told before an hour of tests."""
    from xray_ci import running  # noqa: PLC0415
    from xray_ci.settings import flags  # noqa: PLC0415

    words, command = running.split(process.argv)
    parsed = flags.parse(words)
    if command is None or parsed.help or parsed.version:
        return _answer(parsed, process)
    if process.alone:
        process = process._replace(env=running.begin_again(process.env))
        running.hide()
        _on_signals()
    _loaded("import", parsed, process)
    code = running.run(command, process.env, process.folder)
    imported = run("import", parsed, process)
    if imported in _GIVES_WAY:
        return code
    process.err.write(f"xray-ci: the command ended with {code}; this ends with {imported}, as the import failed\n")
    return imported


def _answer(parsed: Parsed, process: Process) -> int:
    if parsed.version:
        from xray_ci import __version__  # noqa: PLC0415

        process.out.write(f"xray-ci {__version__}\n")
        return 0
    from xray_ci.ci.console import columns  # noqa: PLC0415
    from xray_ci.settings.flags import usage  # noqa: PLC0415

    process.out.write(usage(parsed.command, columns(process.out, process.env), whole=parsed.whole))
    return 0


def _told(error: Exception, process: Process) -> int:
    """Tell what went wrong before there were settings, so with a log of its own; return the exit code."""
    from xray_ci.ci.console import Console, Level  # noqa: PLC0415
    from xray_ci.ci.provider import surroundings  # noqa: PLC0415
    from xray_ci.errors import Failure  # noqa: PLC0415

    around, redactor = surroundings(process.env), _redactor(process.env)
    console = Console(
        process.err, level=Level.INFO, surroundings=around, redactor=redactor, color=colored(process.err, process.env)
    )
    if isinstance(error, Failure):
        console.failure(error)
        if around.summary_file and not _DECLINED & {process.env.get(name) for name in _SUMMARY}:
            from xray_ci.ci import summary  # noqa: PLC0415

            for warning in summary.of_failure(error, around, redactor):
                console.warning(warning)
        return error.exit_code
    console.defect(error)
    return 70


_SUMMARY: Final = ("XRAY_CI_JOB_SUMMARY", "INPUT_JOB-SUMMARY", "INPUT_JOB_SUMMARY")
_DECLINED: Final = frozenset({"false", "no", "off", "0"})


def _command(parsed: Parsed, process: Process) -> int:
    from xray_ci.settings import config, flags, problems  # noqa: PLC0415

    if process.alone:
        _on_signals()
    command = config.command(parsed.command, process.env)
    if misplaced := flags.misplaced(command, parsed.options):
        raise problems.together(misplaced)
    match command:
        case "emulator":
            return _emulator(parsed, process)
        case "migrate":
            return _migrate(parsed, process)
        case "explain":
            return _explain(str(parsed.options.get("slug") or ""), process.out)
        case "completion" | "demo" | "init":
            return _apart(command, parsed, process)
        case _:
            return run(command, parsed, process)


def _apart(command: str, parsed: Parsed, process: Process) -> int:
    """Run a command that has a module of its own and needs no settings."""
    match command:
        case "completion":
            from xray_ci import completion  # noqa: PLC0415

            return completion.run(str(parsed.options.get("shell") or ""), process.out)
        case "init":
            from xray_ci import init  # noqa: PLC0415

            return init.run(process, parsed.options, init.asking(process))
        case _:
            from xray_ci import demo  # noqa: PLC0415

            watched = process.alone and "CI" not in process.env and sys.stdin.isatty() and sys.stdout.isatty()
            return demo.run(process, execute, keep=bool(parsed.options.get("keep")), watched=watched)


def _explain(name: str, out: TextIO) -> int:
    """Print the paragraph of docs/errors.md: the wheel has a copy beside this module, a checkout the page itself."""
    from xray_ci.settings import problems  # noqa: PLC0415

    here = Path(__file__)
    page = next(path for path in (here.with_name("errors.md"), here.parents[1] / "docs/errors.md") if path.is_file())
    _, *sections = page.read_text(encoding="utf-8").split("\n## ")
    known = dict(section.split("\n", 1) for section in sections)
    if name not in known:
        raise problems.unknown(name, name, known, thing="message", where="command line")
    out.write(f"{name}\n\n{known[name].strip()}\n")
    return 0


def _emulator(parsed: Parsed, process: Process) -> int:
    from xray_ci.settings import problems  # noqa: PLC0415

    try:
        from xray_ci.emulator import server  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise problems.problem(
            f"the emulator needs the package {missing.name}",
            "command line",
            problems.USAGE,
            "Install it: pip install 'xray-ci[emulator]'.",
        ) from None
    return server.run(int(str(parsed.options.get("port") or 8765)), process.out, server.Serving.asked(parsed.options))


def _migrate(parsed: Parsed, process: Process) -> int:
    from pathlib import Path  # noqa: PLC0415

    from xray_ci import migrate  # noqa: PLC0415
    from xray_ci.ci.console import Console, Level  # noqa: PLC0415
    from xray_ci.ci.provider import surroundings  # noqa: PLC0415
    from xray_ci.settings import problems  # noqa: PLC0415

    name = str(parsed.options.get("file") or "")
    if not name:
        raise problems.problem(
            "`migrate` needs a file", "command line", problems.USAGE, "Write `xray-ci migrate FILE`."
        )
    redactor = _redactor(process.env)
    console = Console(
        process.err, level=Level.INFO, surroundings=surroundings(process.env), redactor=redactor, annotations=False
    )
    return migrate.run(Path(process.folder) / name, name, console, process.out, redactor)


def _on_signals() -> None:
    """Turn the signals that end a job into a failure: as PID 1 of a container nothing else would end the process."""
    import signal  # noqa: PLC0415
    from types import FrameType  # noqa: PLC0415, TC003

    def stop(number: int, _: FrameType | None) -> None:
        from xray_ci.errors import Interrupted  # noqa: PLC0415

        signal.signal(number, signal.SIG_IGN)  # the second one must not break what the first began
        raise Interrupted(f"stopped by {signal.Signals(number).name}", signal=number)

    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), stop)
