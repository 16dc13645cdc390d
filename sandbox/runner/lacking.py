"""What a node may lack, and what mends it."""

import os
from collections.abc import Collection, Iterator

from sandbox.errors import EngineError
from sandbox.reason import Said
from sandbox.runner.contract import Missing

NO_ENGINE = Missing(
    what=Said(zh="没有应答的容器引擎", en="No container engine answers"), mend="images/engine.sh up"
)

OLD_ENGINE = Missing(
    what=Said(
        zh="容器引擎早于 Docker Engine 20.10，作业不能运行",
        en="the container engine is older than Docker Engine 20.10: no job can run",
    ),
    mend="apt-get install docker.io",
)

STALE_READER = Missing(
    what=Said(
        zh="登记为 reader 的镜像与本程序版本不符,作业的输出无法检查",
        en="The image registered as reader is of another version than this program: no job's output can be inspected",
    ),
    mend="images/build.sh reader; shuyu image register DIGEST --name reader",
)


def lost(name: str) -> Missing:
    """Say that an image of the register is not in the engine any more."""
    return Missing(
        what=Said(
            zh=f"镜像 {name} 已登记，但容器引擎中没有它",
            en=f"The image {name} is registered, and the engine has lost it",
        ),
        mend=f"images/build.sh {name}, or shuyu image import of its archive",
    )


def lacking(names: Collection[str]) -> Iterator[Missing]:
    """Give what is missing here, by the names of the images that are registered."""
    if os.geteuid() != 0:
        yield Missing(
            what=Said(
                zh="守门进程须以 root 运行，才能挂载", en="The keeper must be root, to mount"
            ),
            mend="sudo shuyu keep",
        )
    for name in ("python", "reader"):
        if name not in names:
            yield Missing(
                what=Said(zh=f"未登记镜像 {name}", en=f"The image {name} is not registered"),
                mend=f"images/build.sh {name}",
            )


def too_early(why: EngineError) -> Said:
    """Say that no container can be made before its job, because nothing can be mounted into it later."""
    return Said(
        zh=f"此节点不能向已启动的容器挂载视图（{why}）：每个作业另起容器，启动较慢",
        en=f"This node cannot mount views into a container that runs ({why}): each job starts its own, more slowly",
    )
