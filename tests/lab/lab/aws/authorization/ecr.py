"""ECR. What the registry needs stands with the registry."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Service, Want, named, tagging

REPOSITORY = [named("repository/{}", "repositoryName")]
TAGGED = [named("{}", "resourceArn")]


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "CreateRepository":
        yield from tagging(asked, "TagResource", f"repository/{asked.text('repositoryName')}")


SERVICE = Service(
    {
        **dict.fromkeys(
            (
                "BatchCheckLayerAvailability",
                "BatchDeleteImage",
                "BatchGetImage",
                "CompleteLayerUpload",
                "CreateRepository",
                "DeleteLifecyclePolicy",
                "DeleteRepository",
                "DeleteRepositoryPolicy",
                "DescribeImages",
                "GetDownloadUrlForLayer",
                "GetLifecyclePolicy",
                "GetRepositoryPolicy",
                "InitiateLayerUpload",
                "ListImages",
                "PutImage",
                "PutImageScanningConfiguration",
                "PutImageTagMutability",
                "PutLifecyclePolicy",
                "SetRepositoryPolicy",
                "UploadLayerPart",
            ),
            REPOSITORY,
        ),
        "DescribeRepositories": [
            named("repository/{}", "repositoryNames", otherwise="repository/*")
        ],
        "ListTagsForResource": TAGGED,
        "TagResource": TAGGED,
        "UntagResource": TAGGED,
    },
    _beside,
)
