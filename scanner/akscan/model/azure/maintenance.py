"""Planned maintenance (https://learn.microsoft.com/azure/aks/planned-maintenance)."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.text import Token

_WEEK, _MONTH, _FIVE_WEEKS = 7, 31, 35


class DailySchedule(Rest, frozen=True, kw_only=True):
    interval_days: int = 0


class WeeklySchedule(Rest, frozen=True, kw_only=True):
    interval_weeks: int = 0


class MonthlySchedule(Rest, frozen=True, kw_only=True):
    interval_months: int = 0


class Schedule(Rest, frozen=True, kw_only=True):
    daily: DailySchedule | None = None
    weekly: WeeklySchedule | None = None
    absolute_monthly: MonthlySchedule | None = None
    relative_monthly: MonthlySchedule | None = None

    @property
    def longest_gap_days(self) -> int:
        """The most days from one window to the next; a month has up to 31, from a weekday to the same one up to 35."""
        gaps = (
            self.daily.interval_days if self.daily else 0,
            _WEEK * self.weekly.interval_weeks if self.weekly else 0,
            _MONTH * self.absolute_monthly.interval_months if self.absolute_monthly else 0,
            _FIVE_WEEKS * self.relative_monthly.interval_months if self.relative_monthly else 0,
        )
        return max(gaps)


class DateSpan(Rest, frozen=True, kw_only=True):
    # without defaults: a freeze without an end would be one that no rule sees
    start: date
    end: date


class MaintenanceWindow(Rest, frozen=True, kw_only=True):
    schedule: Schedule = Schedule()
    duration_hours: int = 0
    start_date: date | None = None
    not_allowed_dates: tuple[DateSpan, ...] = ()


class MaintenanceConfigurationProperties(Rest, frozen=True, kw_only=True):
    """``maintenance_window`` is None for a configuration of the old make, which steers the weekly AKS releases only."""

    maintenance_window: MaintenanceWindow | None = None


class MaintenanceConfiguration(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ContainerService/managedClusters/maintenanceConfigurations")
    properties: MaintenanceConfigurationProperties = MaintenanceConfigurationProperties()
