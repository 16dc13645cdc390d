"""How many bits may leave: of one job, of one scenario in a month, and to one developer in a month."""

from dataclasses import dataclass

_KIB, _MIB = 8 * 2**10, 8 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """Bits after compression; the months are China's."""

    job: int = 8 * _MIB
    scenario: int = 64 * _MIB
    developer: int = 256 * _MIB

    @classmethod
    def of(cls, *, job_kib: int, scenario_mib: int, developer_mib: int) -> "Volumes":
        """Return what settings in KiB and MiB allow."""
        return cls(job=job_kib * _KIB, scenario=scenario_mib * _MIB, developer=developer_mib * _MIB)

    def have_room(self, bits: int, *, scenario: int, developer: int) -> bool:
        """Whether a job may let out so many more, where so many have left this month."""
        return (
            bits <= self.job
            and scenario + bits <= self.scenario
            and developer + bits <= self.developer
        )
