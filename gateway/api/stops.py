"""Emergency stops: of the whole domain, of a scenario, of all that reads an asset; and how long each took."""

from fastapi import APIRouter, status

from gateway.api.shapes import Listing, Name
from gateway.api.shapes.stops import DoorOut, ResumeIn, StopIn, StopOut
from gateway.governance import emergency
from gateway.identity import Calling
from gateway.rooms import TheOffice
from jobs.grant import ScenarioId
from jobs.steps import stop
from jobs.steps.stop import StopId
from sandbox.asset import AssetId

router = APIRouter(prefix="/stops", tags=["stops"])


@router.post("", status_code=status.HTTP_201_CREATED)
def stop_now(asked: StopIn, caller: Calling, office: TheOffice) -> StopOut:
    """Stop the whole domain, a scenario, or every scenario that reads an asset; what runs ends at once."""
    opinion = asked.opinion
    if asked.scope == "scenario":
        scenario = ScenarioId(asked.target)
        halt = emergency.stop_scenario(office, scenario, by=caller, opinion=opinion)
    elif asked.scope == "asset":
        halt = emergency.stop_asset(office, AssetId(asked.target), by=caller, opinion=opinion)
    else:
        halt = emergency.stop_domain(office, by=caller, opinion=opinion)
    return StopOut.of(halt)


@router.get("")
def list_stops(caller: Calling, office: TheOffice) -> Listing[StopOut]:
    """List the newest stops."""
    emergency.demand_reader(office, caller)
    with office.record.reading() as tx:
        return Listing(items=tuple(StopOut.of(each) for each in stop.newest(tx)))


@router.get("/door")
def show_door(caller: Calling, office: TheOffice) -> DoorOut:
    """Tell whether the whole domain is stopped, and by whom."""
    emergency.demand_reader(office, caller)
    with office.record.reading() as tx:
        return DoorOut.of(stop.closed_by(tx))


@router.post("/door/resume")
def resume(asked: ResumeIn, caller: Calling, office: TheOffice) -> DoorOut:
    """Open the whole domain again; another person than the one who stopped it must."""
    emergency.resume_domain(office, by=caller, opinion=asked.opinion)
    return DoorOut.of(None)


@router.get("/{stop_id}")
def show_stop(stop_id: Name, caller: Calling, office: TheOffice) -> StopOut:
    """Show one stop; `milliseconds` is there once the engine had no container of it any more."""
    emergency.demand_reader(office, caller)
    with office.record.reading() as tx:
        return StopOut.of(stop.get(tx, StopId(stop_id)))
