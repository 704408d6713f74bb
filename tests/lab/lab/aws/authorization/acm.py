"""Certificate Manager."""

from __future__ import annotations

from lab.aws.authorization.table import Service, named

SERVICE = Service(
    dict.fromkeys(
        (
            "AddTagsToCertificate",
            "DeleteCertificate",
            "DescribeCertificate",
            "GetCertificate",
            "ListTagsForCertificate",
            "RemoveTagsFromCertificate",
        ),
        (named("{}", "CertificateArn"),),
    )
)
