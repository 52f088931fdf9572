"""The console script `qcal`: what calib_run does over dumps, for a network that onnxruntime runs here and now."""
from __future__ import annotations

import argparse
import json
import sys

from . import _core
from ._api import load_config


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns calib_run's exit codes: 0 done; 2 bad input or usage, nothing written; 1 anything else."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (_core.ConfigError, _core.InputError, _core.InvalidArgument) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (_core.Error, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _image_size(text: str) -> tuple[int, int]:
    height, x, width = text.partition("x")
    if not (x and height.isdigit() and width.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH")
    return int(height), int(width)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="qcal", description="Quantization calibration of ONNX networks.",
                                     epilog="Exit codes: 0 done; 2 bad input or usage; 1 anything else.")
    parser.add_argument("--version", action="version", version=_core.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_calibrate(commands)
    _add_report(commands)
    return parser


def _add_config(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("configuration")
    group.add_argument("--config", metavar="FILE", help="UG1414's format; without it: its default for the DPU")
    group.add_argument("--compat", default="standard", choices=["standard", "vitis"])
    group.add_argument("--device-rules", default="error", choices=["error", "warn"])
    group.add_argument("--placement", choices=["groups", "compute", "fused"])


def _add_calibrate(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "calibrate",
        help="find scales and zero points for a network on sample inputs",
        description="Prepares the network as the configuration changes it, runs it in onnxruntime, calibrates and exports, "
        "with no dump in between. Writes quant_params.json, quant_info.json and quantized.onnx, all of them or none.",
        epilog="Examples: qcal calibrate net.onnx inputs.npz --config cpu.json --out results; "
        "qcal calibrate net.onnx images/ --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --out results")
    command.add_argument("model", help="the float network, .onnx")
    command.add_argument("inputs", help="npz with keys '<run>|<graph input>', or a folder of images")
    command.add_argument("--out", required=True, metavar="DIR")
    _add_config(command)
    work = command.add_argument_group("work")
    work.add_argument("--backend", default="auto", choices=["auto", "cpu", "cuda"])
    work.add_argument("--non-finite", choices=["error", "skip-batch", "ignore"])
    work.add_argument("--align", type=lambda text: text.split(","), default=[], metavar="concat,add,pool")
    work.add_argument("--names", metavar="FILE", help="JSON object: tensor names, and those for quant_info.json")
    work.add_argument("--quiet", action="store_true", help="print errors only")
    images = command.add_argument_group("images")
    images.add_argument("--size", type=_image_size, metavar="HEIGHTxWIDTH", help="default: the input's")
    images.add_argument("--mean", type=_numbers, default=[0.0], help="one number, or one a channel: 0.485,0.456,0.406")
    images.add_argument("--std", type=_numbers, default=[1.0], help="likewise")
    images.add_argument("--batch", type=int, default=8, help="images a batch, where the network leaves it open")
    command.set_defaults(run=_calibrate)


def _add_report(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "report", help="a calibration as one HTML page",
        description="Every tensor with its distribution and the range that its scale reaches, the worst layers, the "
        "configuration with the source of each value, and warnings, in a page that needs no network.")
    command.add_argument("model", help="the float network that was calibrated, .onnx")
    command.add_argument("dumps", help="the recording that it was calibrated with")
    command.add_argument("params", help="quant_params.json of both")
    command.add_argument("--out", required=True, metavar="FILE")
    _add_config(command)
    command.set_defaults(run=_report)


def _name_map(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            names = json.load(file)
    except (OSError, ValueError) as error:
        raise _core.InputError(f"{path}: {error}") from None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise _core.InputError(f'{path}: expected one object of strings, {{"tensor name": "other name", ...}}')
    return names


def _calibrate(options: argparse.Namespace) -> None:
    from . import onnx

    config = load_config(options.config, compat=options.compat, device_rules=options.device_rules,
                         placement=options.placement)
    result = onnx.calibrate(
        options.model, options.inputs, config, out=options.out, backend=options.backend, non_finite=options.non_finite,
        align=options.align, names=_name_map(options.names), size=options.size, mean=options.mean, std=options.std,
        batch=options.batch, progress=False if options.quiet else None)
    if options.quiet:
        return
    for warning in config.warnings + result.warnings():
        print(f"warning: {warning}", file=sys.stderr)
    for name, (status, details) in result.transforms.items():
        if status != "off":
            print(f"{name}: {status}" + (f": {details[0]}" if details else ""))
    print(f"{len(result.parameters)} tensors written to {options.out}")


def _report(options: argparse.Namespace) -> None:
    config = None
    if options.config is not None:
        config = load_config(options.config, compat=options.compat, device_rules=options.device_rules,
                             placement=options.placement)
    _core.write_file(options.out, _core.report(options.model, options.dumps, options.params, config))
    print(f"written to {options.out}")


if __name__ == "__main__":
    sys.exit(main())
