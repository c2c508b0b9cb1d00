"""The command ``recbole-pngnn``; ``run_recbole.py`` is its ``run``."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recbole_pngnn import __version__
from recbole_pngnn.arguments import Parser, check_dashes
from recbole_pngnn.failure import told, traceback_of
from recbole_pngnn.files import check_place, is_file_name, read_user_ids, write_whole
from recbole_pngnn.literals import read_value

_REPORT = "augment report"
# Commands of other modules, which import pandas: only the one that is named is imported, so that
# --help is quick. The texts are those of the modules.
_MODULES = {
    "prepare": (
        "recbole_pngnn.data.prepare.command",
        "write MovieLens or your own ratings as pre-split RecBole datasets",
    ),
    "augment": (
        "recbole_pngnn.augment.command",
        "add interactions that a language model or a control suggests",
    ),
    "benchmark": (
        "recbole_pngnn.benchmark.command",
        "compare models over splits and seeds, with records and reports",
    ),
    _REPORT: ("recbole_pngnn.augment.report_command", "compare what the providers picked"),
}
_RUN_EPILOG = """\
Any option of RecBole and of the model is set as --key=value (or --key value), above the files:
  recbole-pngnn run --model=PNGNN --dataset=ml-100k --epochs=20 --reading=partitioned
  recbole-pngnn run --model=EASE --reg_weight=500 --result_file=ease.json

Options of every model, the most used:
  --data_path=FOLDER          where datasets are        --output_dir=FOLDER    what a run leaves
  --epochs=N                  passes of the training    --seed=N               of what is drawn
  --learning_rate=X           of --learner=adam         --embedding_size=N     where there is one
  --train_batch_size=N        rows, or users            --eval_batch_size=N    scores at once
  --eval_step=N               epochs a validation       --stopping_step=N      patience
  --metrics="['NDCG','Hit']"  what is measured          --topk=[5,10]          at which cut-offs
  --valid_metric=NDCG@10      what chooses the epoch    --gpu_id=0             or '' for the CPU
  --like_threshold="{'rating':3.5}"                     --show_progress=False  no bar
Defaults and their meaning: properties/overall.yaml (the protocol), properties/model/PNGNN.yaml, and
RecBole's files of the same names. Values are numbers, texts, lists, dicts, True, False or None;
nothing in them is executed.

What is unpickled, and so can run any code; take such files from those alone whom you trust:
  --resume=CHECKPOINT, --pre_model_path=FILE (of a model that starts from another one),
  --dataset_save_path=FILE and --dataloaders_save_path=FILE, and, once --save_dataset=True or
  --save_dataloaders=True wrote them, DATASET-*.pth in the folder of the checkpoints.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Words of the command line; the program's own by default.

    Returns:
        The exit status: 0; 2 for what the user can mend; 1 for a fault of ours; 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:2] == _REPORT.split():  # a command of two words
        words[:2] = [_REPORT]
    try:
        check_dashes(words)
        options, rest = _parser(words).parse_known_args(words)
        if options.command == "run":
            return _run(options, rest)
        return int(options.handler(options))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of a pipe, head for one, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("RECBOLE_PNGNN_TRACEBACK"):
            # Python's own would show what a stranger put into the error, a key for one.
            print(traceback_of(error, words), end="", file=sys.stderr)
        line, status = told(error, words)
        print(f"error: {line}", file=sys.stderr)
        return status
    finally:
        output = sys.modules.get("recbole_pngnn.plugin.output")
        if output is not None:
            output.close_log()


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="recbole-pngnn",
        is_open=True,  # for the options of RecBole and of the model
        description="Sign-aware graph recommendation for RecBole.",
        epilog="Set RECBOLE_PNGNN_TRACEBACK=1 to see where an error comes from.",
    )
    parser.add_argument("--version", action="version", version=f"recbole-pngnn {__version__}")
    commands: Any = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    for name, (module, text) in _MODULES.items():
        if name in words:
            importlib.import_module(module).add_parser(commands)
        else:
            commands.add_parser(name, help=text)
    for name in ("augment", _REPORT):  # a long command is edited at its end
        commands.choices[name].takes_last = True
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
        is_open=True,
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
        description="Recommend unseen items to users by a checkpoint.",
        epilog="Titles that a spreadsheet would take for a formula (=, +, -, @ in front) get an "
        "apostrophe before them; ids stay as they are.",
    )
    recommend.add_argument(
        "--checkpoint",
        required=True,
        metavar="FILE",
        help="trained model; it is unpickled, which can run any code: only one that you trust",
    )
    recommend.add_argument(
        "--users",
        default="all",
        metavar="ID,ID|FILE|all",
        help="user ids, a file with an id a line, or all (default); 186, with a comma behind it "
        "is an id where a file has that name too",
    )
    recommend.add_argument("--k", default="20", metavar="N", help="items a user (default: 20)")
    recommend.add_argument(
        "--output", metavar="FILE.csv", help="write a CSV file; default: the screen"
    )
    recommend.add_argument(
        "--data_path", metavar="FOLDER", help="folder of datasets; default: that of the training"
    )
    recommend.set_defaults(handler=_recommend)


def _run(options: argparse.Namespace, rest: list[str]) -> int:
    assignments = _assignments(rest)
    for name in ("model", "dataset"):
        if getattr(options, name) == "":
            raise ValueError(f"the option --{name} has no value; set it as --{name}=NAME")
    files = _config_files(options.config_files)
    # RecBole's Config reads the command line too, by evaluating it.
    sys.argv = sys.argv[:1]
    import recbole_pngnn
    from recbole_pngnn.benchmark.show import result_table
    from recbole_pngnn.plugin import config

    resumed = options.resume is not None
    changes = options.allow_changes
    config.STRICT_COMMAND_LINE = True
    try:
        record = recbole_pngnn.run(
            options.model or (None if resumed else _unless_in(files, "model", "PNGNN")),
            options.dataset or (None if resumed else _unless_in(files, "dataset", "ml-100k")),
            config_file_list=files,
            config_dict=assignments,
            result_file=options.result_file,
            resume=options.resume,
            allow_changes=None if changes is None else [c.strip() for c in changes.split(",")],
        )
    finally:  # who calls main from Python has a command line of another program
        config.STRICT_COMMAND_LINE = False
    print(result_table(record))
    return 0


def _unless_in(files: list[str] | None, key: str, default: str) -> str | None:
    """Return the default of an option, or None where a file of options sets it."""
    from recbole_pngnn.plugin.config import config_file, presets, yaml_keys
    from recbole_pngnn.plugin.option_file import check_files

    found = [Path(config_file(name)) for name in check_files(files, presets()) or []]
    return None if key in yaml_keys(found) else default


def _config_files(text: str) -> list[str] | None:
    names = [text] if is_file_name(text) else text.split()  # a name may hold a space
    return names or None


def _assignments(words: list[str]) -> dict[str, str]:
    """Read ``--key=value`` and ``--key value``, and refuse what is neither."""
    found: dict[str, str] = {}
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("--"):
            if word.endswith((".yaml", ".yml")):
                raise ValueError(
                    f"{word!r} is no option; several config files are named in quotes, as in "
                    f'--config_files="a.yaml b.yaml"'
                )
            bare = word.lstrip("-")
            is_near = "=" in bare and bare.split("=")[0].isidentifier()
            hint = f"; did you mean --{bare}?" if is_near else "; options are set as --key=value"
            raise ValueError(f"{word!r} is no option{hint}")
        key, equals, value = word[2:].partition("=")
        if not equals:
            following = next(remaining, None)
            if following is None or following.startswith("--"):
                raise ValueError(f"the option {word} has no value; set it as {word}=value")
            value = following
        if not key.isidentifier():
            right = key.strip().replace("-", "_")
            hint = f"; did you mean --{right}?" if right.isidentifier() else ""
            raise ValueError(f"--{key} is no option{hint}")
        is_space = value == " " and key in ("field_separator", "seq_separator")
        if not value.strip() and key != "gpu_id" and not is_space:
            raise ValueError(f"the option --{key} has no value; set it as --{key}=value")
        if found.setdefault(key, value) != value:
            raise ValueError(f"--{key} is given twice, as {found[key]} and as {value}")
        read_value(key, value)
    return found


def _recommend(options: argparse.Namespace) -> int:
    from recbole_pngnn import recommend
    from recbole_pngnn.recommendations import UnknownUsersError
    from recbole_pngnn.spreadsheet import spreadsheet_csv

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    if not options.k.strip().isdecimal():
        raise ValueError(f"k must be a whole number of at least 1, found {options.k!r}")
    users = _users(options.users)
    output = Path(options.output) if options.output else None
    if output is not None:
        check_place(output)
    try:
        lists = recommend(options.checkpoint, users, int(options.k), options.data_path)
    except UnknownUsersError as error:
        if "," in options.users or is_file_name(options.users):
            raise
        kind = "it is a folder" if os.path.isdir(options.users) else "there is no such file"
        raise ValueError(f"{error}; if {options.users} is to be a file of ids, {kind}") from error
    text = spreadsheet_csv(lists)
    if output is None:
        sys.stdout.write(text)
    else:
        write_whole(output, text.encode())
        print(f"{output}: {len(lists)} rows for {lists['user_id'].nunique()} users")
    return 0


def _users(text: str) -> list[str] | None:
    if text == "all":
        return None
    if is_file_name(text) and not Path(text).suffix and Path(text).name == text:
        logging.warning(
            f"{text} is a file here, and the users are read from it; for the user of that id write "
            f"--users={text},"
        )
    return read_user_ids(text)
