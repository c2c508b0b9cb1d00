"""The command ``recbole-pngnn``; ``run_recbole.py`` is its ``run``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recbole_pngnn import __version__
from recbole_pngnn.augment import command as augment_command
from recbole_pngnn.augment import report_command
from recbole_pngnn.benchmark import command as benchmark_command
from recbole_pngnn.data.prepare import command as prepare_command
from recbole_pngnn.files import read_user_ids, write_whole

_RUN_EPILOG = """\
Any option of RecBole and of the model is set as --key=value (or --key value), above the files:
  recbole-pngnn run --model=PNGNN --dataset=ml-100k --epochs=20 --reading=partitioned
  recbole-pngnn run --model=EASE --reg_weight=500 --result_file=ease.json
Defaults and their meaning: properties/overall.yaml (the protocol) and properties/model/PNGNN.yaml.
"""
_NO_RECBOLE = (
    "RecBole is not installed, and from Python 3.12 on pip takes it only without its requirements, "
    "which this package has brought: pip install --no-deps recbole==1.2.1"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Words of the command line; the program's own by default.

    Returns:
        The exit status: 0; 2 for what the user can mend; 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:2] == report_command.NAME.split():  # a command of two words
        words[:2] = [report_command.NAME]
    parser = _parser()
    options, rest = parser.parse_known_args(words)
    if rest and options.command != "run":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if options.command == "run":
            return _run(options, rest)
        return int(options.handler(options))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of a pipe, head for one, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, NotImplementedError) as error:
        if os.environ.get("RECBOLE_PNGNN_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name != "recbole" or os.environ.get("RECBOLE_PNGNN_TRACEBACK"):
            raise
        print(f"error: {_NO_RECBOLE}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recbole-pngnn",
        description="Sign-aware graph recommendation for RecBole.",
        epilog="Set RECBOLE_PNGNN_TRACEBACK=1 to see where an error comes from.",
    )
    parser.add_argument("--version", action="version", version=f"recbole-pngnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    prepare_command.add_parser(commands)
    augment_command.add_parser(commands)
    benchmark_command.add_parser(commands)
    report_command.add_parser(commands)
    _add_recommend(commands)
    return parser


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run",
        help="train and test a model under the protocol",
        description="Train and test a model of RecBole or of this plugin under the protocol.",
        epilog=_RUN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    run.add_argument("--model", help="model name (default: PNGNN; with --resume the checkpoint's)")
    run.add_argument(
        "--dataset", help="dataset name (default: ml-100k; with --resume the checkpoint's)"
    )
    run.add_argument(
        "--config_files",
        default="",
        metavar="FILES",
        help="YAML files, or names of presets (pngnn-softmax), separated by spaces",
    )
    run.add_argument("--result_file", metavar="PATH", help="write the record of the run as JSON")
    run.add_argument(
        "--resume",
        metavar="CHECKPOINT",
        help="go on from a checkpoint, with its model, dataset and options; it is unpickled: only "
        "one that you trust",
    )
    run.add_argument(
        "--allow_changes",
        nargs="?",
        const="any",
        metavar="OPTION,OPTION",
        help="with --resume: options that may differ from the checkpoint's (default: all); epochs, "
        "stopping_step and places always may",
    )


def _add_recommend(commands: Any) -> None:
    recommend = commands.add_parser(
        "recommend",
        help="lists of items for users",
        description="Recommend unseen items to users by a checkpoint. Load only checkpoints that "
        "you trust: they are unpickled.",
    )
    recommend.add_argument("--checkpoint", required=True, metavar="FILE", help="trained model")
    recommend.add_argument(
        "--users",
        default="all",
        metavar="ID,ID|FILE|all",
        help="user ids, a file with an id a line, or all (default)",
    )
    recommend.add_argument("--k", type=int, default=20, help="items a user (default: 20)")
    recommend.add_argument(
        "--output", metavar="FILE.csv", help="write a CSV file; default: the screen"
    )
    recommend.add_argument(
        "--data_path", metavar="FOLDER", help="folder of datasets; default: that of the training"
    )
    recommend.set_defaults(handler=_recommend)


def _run(options: argparse.Namespace, rest: list[str]) -> int:
    assignments = _assignments(rest)
    files = options.config_files.split()
    # RecBole's Config reads the command line itself, and nothing but --key=value.
    sys.argv = [sys.argv[0], *assignments]
    import recbole_pngnn
    from recbole_pngnn.benchmark.show import result_table
    from recbole_pngnn.plugin import config

    config.STRICT_COMMAND_LINE = True
    resumed = options.resume is not None
    changes = options.allow_changes
    record = recbole_pngnn.run(
        options.model or (None if resumed else "PNGNN"),
        options.dataset or (None if resumed else "ml-100k"),
        config_file_list=files or None,
        result_file=options.result_file,
        resume=options.resume,
        allow_changes=None if changes is None else [name.strip() for name in changes.split(",")],
    )
    print(result_table(record))
    return 0


def _assignments(words: list[str]) -> list[str]:
    """Bring ``--key value`` into RecBole's form, ``--key=value``, and refuse what is neither."""
    assignments = []
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("--"):
            raise ValueError(f"{word!r} is no option; options are set as --key=value")
        if "=" not in word:
            value = next(remaining, None)
            if value is None or value.startswith("--"):
                raise ValueError(f"the option {word} has no value; set it as {word}=value")
            word = f"{word}={value}"
        if word.count("=") > 1:
            raise ValueError(
                f"RecBole cannot read {word!r}, with a second '=', from the command line; put the "
                f"option into a YAML file and name it with --config_files"
            )
        assignments.append(word)
    return assignments


def _recommend(options: argparse.Namespace) -> int:
    from recbole_pngnn import recommend

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    users = None if options.users == "all" else read_user_ids(options.users)
    if options.output and not Path(options.output).absolute().parent.is_dir():
        raise ValueError(f"there is no folder for the output {options.output}")
    lists = recommend(options.checkpoint, users, options.k, options.data_path)
    if options.output:
        write_whole(Path(options.output), lists.to_csv(index=False).encode())
        print(f"{options.output}: {len(lists)} rows for {lists['user_id'].nunique()} users")
    else:
        lists.to_csv(sys.stdout, index=False)
    return 0
