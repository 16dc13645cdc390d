"""The keeper's rows of the crash table: rooms, mounts and containers."""

from tests.crash.row import Process, Row

_LOST_IN_THE_KEEPER = "a job that it was for is queued again, once"

KEEPER = (
    Row(
        name="register an image",
        process=Process.KEEPER,
        write="sandbox.runner.images:Images._write",
        walked="report on an image anew",
        before="the register is as it was; the image is registered again",
        after="the image is registered; doing it again changes nothing",
    ),
    Row(
        name="make a room and its disk",
        process=Process.KEEPER,
        write="sandbox.runner.places:_bare",
        walked="report",
        before=f"nothing is there; {_LOST_IN_THE_KEEPER}",
        after=f"the room is unmounted and removed; {_LOST_IN_THE_KEEPER}",
    ),
    Row(
        name="create a container",
        process=Process.KEEPER,
        write="sandbox.runner.engine:Engine.create",
        walked="report",
        before=f"its room is unmounted and removed; {_LOST_IN_THE_KEEPER}",
        after=f"it is found by its label and removed, its room too; {_LOST_IN_THE_KEEPER}",
    ),
    Row(
        name="start a container in its room",
        process=Process.KEEPER,
        write="sandbox.runner.engine:Engine.start",
        walked="report",
        before=f"it is removed before it ran, its room too; {_LOST_IN_THE_KEEPER}",
        after=f"it is killed and removed, its room too; {_LOST_IN_THE_KEEPER}",
    ),
    Row(
        name="bring code and views into a room",
        process=Process.KEEPER,
        write="sandbox.runner.places:_bring",
        walked="report",
        before="container and room are removed; the job is queued again, once",
        after="the views are unmounted, container and room removed; the job is queued again, once",
    ),
    Row(
        name="collect what a container left",
        process=Process.KEEPER,
        write="sandbox.runner.rooms:collect",
        walked="report",
        before="its output goes with its room; the job is queued again, once",
        after="as before: what was collected was nobody's yet",
    ),
    Row(
        name="remove a container",
        process=Process.KEEPER,
        write="sandbox.runner.engine:Engine.remove",
        walked="report",
        before=f"it is found by its label and removed; {_LOST_IN_THE_KEEPER}",
        after=f"its room is unmounted and removed; {_LOST_IN_THE_KEEPER}",
    ),
    Row(
        name="unmount and remove a room",
        process=Process.KEEPER,
        write="sandbox.runner.places:_inside",
        walked="report",
        before=f"it is unmounted and removed; {_LOST_IN_THE_KEEPER}",
        after="as before",
    ),
    Row(
        name="read a file in a container of its own",
        process=Process.KEEPER,
        write="sandbox.runner.rooms:Rooms.read",
        walked="parquet table",
        before="the inspection failed once; it is tried again when the keeper is back",
        after="as before",
    ),
)
