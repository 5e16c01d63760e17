"""Which files hold lines that somebody wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.effective import effective


@pytest.mark.parametrize(
    "path",
    [
        *("package-lock.json", "web/yarn.lock", "Cargo.lock", "go.sum", "pnpm-lock.yaml"),
        *(
            "NuGet\\packages.lock.json",
            "ios/Podfile.lock",
            "dist/app.js",
            "web/node_modules/a/b.js",
        ),
        *("app.min.js", "app.js.map", "api/user.pb.go", "api/user_pb2.py", "api/user_pb2_grpc.pyi"),
        *("src/__snapshots__/cart.test.js.snap", "tests/cassettes/pay.yaml", "lib/a.g.dart"),
        *("src/generated/api.ts", "Form.Designer.cs", "src/schema.generated.ts"),
    ],
)
def test_nobody_writes(path: str) -> None:
    assert not effective(path)


@pytest.mark.parametrize(
    "path",
    [
        *("src/a.py", "lock.py", "src/lock/mutex.go", "package.json", "go.mod", "Cargo.toml"),
        *("src/distance.py", "dist.py", "generated.py", "admin.js", "map.js", "build/webpack.js"),
        *("target/main.rs", "snapshots.py", "blocks.lock.py", "", "/"),
    ],
)
def test_somebody_writes(path: str) -> None:
    assert effective(path)


@given(st.text())
def test_any_path_can_be_asked_about(path: str) -> None:
    assert effective(path) == effective(path.upper()) == effective(f"src/{path}")
