"""What each command does with a process: settings, log and a job are made here, the pipeline does the work."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, TextIO

from xray_ci.ci.console import Console, Level
from xray_ci.ci.provider import Surroundings, surroundings
from xray_ci.errors import Failure, worst_exit
from xray_ci.pipeline.job import Job, WorkFolder
from xray_ci.pipeline.keeping import StateFolder
from xray_ci.secret import Redactor
from xray_ci.settings import config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.ci.result import RunResult
    from xray_ci.process import Process
    from xray_ci.settings.flags import Parsed
    from xray_ci.settings.values import Settings


def run(command: str, parsed: Parsed, process: Process) -> int:
    """Run a command that needs settings; return its exit code. Raises ConfigurationError."""
    around = surroundings(process.env)
    settings = config.load(parsed.flags, process.env, Path(process.folder), command=command, github=around.provider.key == "github")
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
            return _publish(pipeline.refresh(job), job)
        case "resume":
            return _publish(pipeline.resume(job), job)
        case _:
            return _publish(pipeline.run(job), job)


def _publish(result: RunResult, job: Job) -> int:
    """Write every view of the result, then the one line that ends the log."""
    from xray_ci.ci import outputs, summary  # noqa: PLC0415

    settings, around = job.settings, job.surroundings
    temp = Path(around.temp) if around.temp else None
    warnings = outputs.publish(result, redact=job.redactor, workspace=settings.workspace, temp=temp,
                               outputs_file=around.outputs_file, result_file=settings.result_file,
                               dotenv_file=settings.dotenv_file)
    if settings.job_summary:
        warnings += summary.publish(result, summary_file=around.summary_file, redact=job.redactor)
    for warning in warnings:
        job.console.warning(warning)
    code = worst_exit({result.exit_code})
    job.console.info(f"{result.outcome.value}, exit code {code}, {result.requests} requests, {result.seconds:.1f} s")
    return code


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
