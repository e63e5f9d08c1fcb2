"""What each command does with a process: settings, log and a job are made here, the pipeline does the work."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, TextIO, assert_never

from xray_ci.ci.console import Console, Level
from xray_ci.ci.provider import Surroundings, surroundings
from xray_ci.errors import Failure, worst_exit
from xray_ci.pipeline.job import Job, WorkFolder
from xray_ci.pipeline.keeping import StateFolder
from xray_ci.secret import Redactor
from xray_ci.settings import config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xray_ci.ci.handover import Summaries
    from xray_ci.ci.result import RunResult
    from xray_ci.process import Process
    from xray_ci.settings.flags import Parsed
    from xray_ci.settings.values import Settings


def run(command: str, parsed: Parsed, process: Process) -> int:
    """Run a command that needs settings; return its exit code. Raises ConfigurationError."""
    around = surroundings(process.env)
    settings = config.load(parsed.flags, _given(process.env, around), Path(process.folder), command=command,
                           github=around.provider.key == "github", withheld=around.outsider is not None, cause=around.secrets)
    redactor = Redactor()
    for secret in settings.secrets():
        redactor.register(secret)
    work = (StateFolder(settings, around) if command == "import" and not settings.dry_run
            else WorkFolder(around.temp if _is_folder(around.temp) else None))
    talks = command in ("import", "plan", "snapshots", "resume", "collect")
    console = _console(process.out if talks else process.err, settings, around, redactor)
    try:
        job = Job(settings=settings, surroundings=around, console=console, redactor=redactor, work=work, now=datetime.now(UTC),
                  clock=process.clock, sleep=process.sleep, random=SystemRandom(), private=_private(settings, process.env))
        return _do(command, parsed, process, job)
    except Failure as failure:
        console.failure(failure)
        return failure.exit_code
    except Exception as error:  # noqa: BLE001  # told here, where the log level is known
        console.defect(error)
        return 70
    finally:
        work.close()
        console.close()


def _given(env: Mapping[str, str], around: Surroundings) -> Mapping[str, str]:
    """Return the environment without what only looks set."""
    unset = around.provider.unset
    return env if unset is None else {name: value for name, value in env.items() if not unset.fullmatch(value)}


def _do(command: str, parsed: Parsed, process: Process, job: Job) -> int:
    from xray_ci import pipeline  # noqa: PLC0415

    match command:
        case "inspect":
            from xray_ci.pipeline import looking  # noqa: PLC0415

            return looking.inspect(job, process.out, as_json=bool(parsed.options.get("json")))
        case "convert":
            from xray_ci.pipeline import looking  # noqa: PLC0415

            output = parsed.options.get("output")
            return looking.convert(job, process.out, Path(process.folder) / str(output) if output else None)
        case "collect":
            from xray_ci.pipeline import collecting  # noqa: PLC0415

            output = parsed.options.get("output")
            return collecting.collect(job, Path(process.folder), str(output) if output else None)
        case "snapshots":
            return _publish(pipeline.refresh(job), job, process.out)
        case "resume":
            return _publish(pipeline.resume(job), job, process.out)
        case _:
            return _publish(pipeline.run(job), job, process.out)


def _publish(result: RunResult, job: Job, out: TextIO) -> int:
    """Write every view of the result, then the one line that ends the log."""
    from xray_ci.ci import outputs  # noqa: PLC0415

    def command(line: str) -> None:
        out.write(f"{line}\n")

    settings, around = job.settings, job.surroundings
    temp = Path(around.temp) if around.temp else None
    takes = around.provider.handover
    warnings = outputs.publish(result, redact=job.redactor, workspace=settings.workspace, temp=temp, kind=takes.outputs,
                               outputs_file=around.outputs_file, log=command, result_file=settings.result_file,
                               dotenv_file=settings.dotenv_file)
    if settings.job_summary:
        warnings += _summarize(result, job, takes.summary, temp, command)
    for warning in warnings:
        job.console.warning(warning)
    code = worst_exit({result.exit_code})
    job.console.info(f"{result.outcome.value}, exit code {code}, {result.requests} requests, {result.seconds:.1f} s")
    return code


def _summarize(result: RunResult, job: Job, kind: Summaries, temp: Path | None, command: Callable[[str], None]) -> tuple[str, ...]:
    """Put the summary where the CI system shows one; return warnings."""
    from xray_ci.ci import outputs, summary  # noqa: PLC0415
    from xray_ci.ci.handover import Summaries  # noqa: PLC0415

    match kind:
        case Summaries.NONE:
            return ()
        case Summaries.GITHUB:
            return summary.publish(result, summary_file=job.surroundings.summary_file, redact=job.redactor)
        case Summaries.AZURE:
            return outputs.upload(summary.markdown(result.redacted(job.redactor)), temp, command)
        case Summaries.TEAMCITY:
            clean = result.redacted(job.redactor)
            failed = f", {clean.bad:,} of {clean.counts.tests:,} tests failed" if clean.bad else ""
            keys = f" into {clean.executions[0].key}" if clean.executions else ""
            outputs.status(f"Xray: {summary.headline(clean)[1]}{keys}{failed}", command)
            return ()
    assert_never(kind)


def _console(stream: TextIO, settings: Settings, around: Surroundings, redactor: Redactor) -> Console:
    level = Level.DEBUG if around.debug else Level.named(settings.log_level)
    return Console(stream, level=level, surroundings=around, redactor=redactor, annotations=settings.annotations)


def _private(settings: Settings, env: Mapping[str, str]) -> tuple[Path, ...]:
    """Return files that no report may name as evidence."""
    named = [Path(value) for name, value in env.items() if name.startswith("XRAY_CI_") and name.endswith("_FILE") and value]
    own = [settings.config, settings.client_certificate, settings.client_key, settings.workspace / ".xray-ci.yml"]
    return tuple(settings.workspace / path for path in (*named, *own) if path is not None)


def _is_folder(path: str | None) -> bool:
    return path is not None and Path(path).is_dir()
