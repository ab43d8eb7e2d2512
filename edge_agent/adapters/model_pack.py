"""A model pack on disk: its manifest, and the one ONNX file of it that is to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import BadModelPack
from edge_agent.formats.pack import MANIFEST_NAME, PackManifest, Precision, load_manifest, sha256_of
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

    @classmethod
    def load(cls, folder: Path, *, precision: Precision | None = None) -> ModelPack:
        """Read the manifest and check the file of `precision`; without one, of the first that the manifest lists.

        Raises:
            BadModelPack: the folder, the manifest or the file is missing, or the file is not the one described.
        """
        if not folder.is_dir():
            raise BadModelPack("there is no such folder; a model pack holds model.onnx and model.yaml", path=folder)
        manifest_path = folder / MANIFEST_NAME
        manifest = load_manifest(manifest_path)
        chosen = next(iter(manifest.files)) if precision is None else precision
        if chosen not in manifest.files:
            said = f"the pack has no {chosen} file; it has {', '.join(manifest.files)}"
            raise BadModelPack(said, path=manifest_path, line=find_line(manifest_path, ["files"]))
        entry = manifest.files[chosen]
        model_path = folder / entry.file
        if not model_path.is_file():
            said = f"the file {entry.file} that it names is missing from {folder}"
            raise BadModelPack(said, path=manifest_path, line=find_line(manifest_path, ["files", chosen, "file"]))
        try:
            found = sha256_of(model_path)
        except OSError as refusal:
            raise BadModelPack(f"the file cannot be read: {refusal.strerror}", path=model_path) from refusal
        if found != entry.sha256:
            said = f"the sha256 of {entry.file} is {found}, not {entry.sha256}; copy the pack again, whole"
            raise BadModelPack(said, path=manifest_path, line=find_line(manifest_path, ["files", chosen, "sha256"]))
        return cls(folder=folder, manifest=manifest, precision=chosen, model_path=model_path)
