"""A model pack on disk: its manifest, and the one ONNX file of it that is to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_agent.domain.said import reason_of, say
from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import MANIFEST_NAME, PackFile, PackManifest, Precision, load_manifest, sha256_of
from edge_agent.formats.yaml_file import find_line


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPack:
    """A pack whose chosen file has been held to its SHA-256."""

    folder: Path
    manifest: PackManifest
    precision: Precision
    model_path: Path

    @property
    def manifest_path(self) -> Path:
        """Where the manifest lies; errors about the pack name it."""
        return self.folder / MANIFEST_NAME

    @property
    def sha256(self) -> str:
        """The hash of the chosen file; names the exact model in stored checks."""
        return self.manifest.files[self.precision].sha256

    @staticmethod
    def manifest_of(folder: Path) -> PackManifest:
        """The manifest of the pack in a folder.

        Raises:
            BadModelPack: the folder or the manifest is missing, or the manifest does not read.
        """
        if not folder.is_dir():
            raise BadModelPack(
                say("pack_none", "there is no such folder; a model pack holds model.onnx and model.yaml"), path=folder
            )
        return load_manifest(folder / MANIFEST_NAME)

    @classmethod
    def load(cls, folder: Path, *, precision: Precision | None = None) -> ModelPack:
        """Read the manifest and check the file of `precision`; without one, of the first that the manifest lists.

        Raises:
            BadModelPack: the folder, the manifest or the file is missing, or the file is not the one described.
        """
        manifest = cls.manifest_of(folder)
        chosen = next(iter(manifest.files)) if precision is None else precision
        if chosen not in manifest.files:
            said = say(
                "pack_no_precision",
                "the pack has no {chosen} file; it has {files}",
                chosen=chosen,
                files=", ".join(manifest.files),
            )
            path = folder / MANIFEST_NAME
            raise BadModelPack(said, path=path, line=find_line(path, ["files"]))
        entry = manifest.files[chosen]
        model_path = _verified(folder, entry.file, entry.sha256, ["files", chosen])
        return cls(folder=folder, manifest=manifest, precision=chosen, model_path=model_path)

    @classmethod
    def load_plain(cls, folder: Path) -> ModelPack:
        """The pack with the plain export as its only file, for benchmarks; the file itself where it has no other.

        Raises:
            BadModelPack: as `load` says.
        """
        manifest = cls.manifest_of(folder)
        plain = manifest.plain
        if plain is None:
            return cls.load(folder)
        model_path = _verified(folder, plain.file, plain.sha256, ["plain"])
        only = {"fp32": PackFile(file=plain.file, sha256=plain.sha256)}
        bare = manifest.model_copy(update={"input": plain.input, "files": only, "plain": None})
        return cls(folder=folder, manifest=bare, precision="fp32", model_path=model_path)


def _verified(folder: Path, file: str, sha256: str, keys: list[str | int]) -> Path:
    """The path of a file of the pack whose bytes are those that the manifest describes under `keys`."""
    manifest_path, path = folder / MANIFEST_NAME, folder / file
    if not path.is_file():
        said = say(
            "pack_file_missing", "the file {file} that it names is missing from {folder}", file=file, folder=folder
        )
        raise BadModelPack(said, path=manifest_path, line=find_line(manifest_path, [*keys, "file"]))
    try:
        found = sha256_of(path)
    except OSError as refusal:
        raise BadModelPack(
            say("file_unreadable", "the file cannot be read: {why}", why=reason_of(refusal)), path=path
        ) from refusal
    if found != sha256:
        said = say(
            "pack_hash",
            "the sha256 of {file} is {found}, not {sha256}; copy the pack again, whole",
            file=file,
            found=found,
            sha256=sha256,
        )
        raise BadModelPack(said, path=manifest_path, line=find_line(manifest_path, [*keys, "sha256"]))
    return path
