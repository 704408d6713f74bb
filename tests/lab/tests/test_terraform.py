"""A second opinion: Terraform's AWS provider makes a stack, finds nothing to change, and deletes it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import REGION, RunningLab

# The provider is not fetched: the machine brings it, in the layout of a filesystem mirror.
PLUGINS = Path(os.environ.get("DEPLOYER_TERRAFORM_PLUGINS", "/opt/tf-plugins"))
PROVIDER = PLUGINS / "registry.terraform.io/hashicorp/aws"
STACK = Path(__file__).with_name("terraform")

pytestmark = pytest.mark.skipif(
    shutil.which("terraform") is None or not PROVIDER.is_dir(),
    reason=f"Terraform, or its AWS provider in {PLUGINS}, is not on this machine",
)


@pytest.mark.slow
def test_terraform_makes_reads_and_deletes_a_stack(lab: RunningLab, tmp_path: Path) -> None:
    shutil.copytree(STACK, tmp_path / "stack")

    def terraform(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["terraform", command, "-input=false", "-no-color", *arguments],
            cwd=tmp_path / "stack",
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "AWS_ENDPOINT_URL": lab.endpoint,
                "AWS_REGION": REGION,
                "AWS_ACCESS_KEY_ID": "lab",
                "AWS_SECRET_ACCESS_KEY": "lab",
                "AWS_EC2_METADATA_DISABLED": "true",
                "CHECKPOINT_DISABLE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done

    initial = terraform("init", f"-plugin-dir={PLUGINS}")
    assert initial.returncode == 0, initial.stderr
    applied = terraform("apply", "-auto-approve")
    assert applied.returncode == 0, applied.stderr
    again = terraform("plan", "-detailed-exitcode")
    assert again.returncode == 0, again.stdout + again.stderr
    destroyed = terraform("destroy", "-auto-approve")
    assert destroyed.returncode == 0, destroyed.stderr
    assert lab.get("inventory")["resources"] == []
    assert lab.get("model-check")["refused"] == []
