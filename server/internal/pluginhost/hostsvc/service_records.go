package hostsvc

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

type auditService struct {
	pluginv1.UnimplementedHostAuditServiceServer
	*host
}

const maxMeta = 16 << 10

var (
	auditEvent = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$`)
	severities = []string{"low", "medium", "high", "critical"}
)

// hostEvents begin the host's own events, so that a plugin cannot write records that look like the host's.
const hostEvents = "host."

// WriteAudit writes to the log and to the audit table.
func (s auditService) WriteAudit(ctx context.Context, r *pluginv1.WriteAuditRequest) (*pluginv1.WriteAuditResponse, error) {
	if s.backend.Audit == nil {
		return nil, absent("audit to plugins")
	}
	if err := checkAudit(r); err != nil {
		return nil, err
	}
	if !s.records.AllowN(s.now(), 1) {
		return nil, apierror.Newf(apierror.ServiceUnavailable, "plugin %s writes more than %d audit records a second; try again later", s.plugin, recordsPerSecond)
	}
	severity := r.GetSeverity()
	if severity == "" {
		severity = severities[0]
	}
	record := AuditRecord{At: s.now(), Plugin: s.plugin, Event: s.redact.text(r.GetEvent()), Severity: severity, Failed: r.GetFailed(),
		Actor: s.redact.text(r.GetActor()), Meta: s.redact.members(r.GetMeta().AsMap())}
	if err := s.backend.Audit.Record(ctx, record); err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "audit", "event", record.Event, "severity", severity, "failed", record.Failed, "actor", record.Actor)
	return &pluginv1.WriteAuditResponse{}, nil
}

func checkAudit(r *pluginv1.WriteAuditRequest) error {
	switch {
	case !auditEvent.MatchString(r.GetEvent()) || strings.HasPrefix(r.GetEvent(), hostEvents):
		return apierror.Inputf(`event must be 1 to 100 letters, digits and ._:- such as "release.create", and not begin with %q`, hostEvents)
	case r.GetSeverity() != "" && !slices.Contains(severities, r.GetSeverity()):
		return apierror.Inputf("severity must be one of %s", strings.Join(severities, ", "))
	case proto.Size(r.GetMeta()) > maxMeta:
		return apierror.Inputf("meta may have at most %d bytes", maxMeta)
	case r.GetActor() != "":
		return checkKey("actor", r.GetActor(), maxRef)
	}
	return nil
}

type logService struct {
	pluginv1.UnimplementedHostLogServiceServer
	*host
}

const (
	maxLines = 1000 // in one call
	maxLine  = 8 << 10
)

// WriteLogs writes as many records as the plugin's share allows, and says once a call how many it left out.
func (s logService) WriteLogs(ctx context.Context, r *pluginv1.WriteLogsRequest) (*pluginv1.WriteLogsResponse, error) {
	if len(r.GetRecords()) > maxLines {
		return nil, apierror.Inputf("at most %d records may come at a time, these are %d", maxLines, len(r.GetRecords()))
	}
	dropped := 0
	for _, record := range r.GetRecords() {
		if !s.lines.AllowN(s.now(), 1) {
			dropped++
			continue
		}
		s.write(ctx, record)
	}
	if dropped > 0 {
		s.log.WarnContext(ctx, "log records of a plugin were left out: it writes too many", "records", dropped, "perSecond", linesPerSecond)
	}
	return &pluginv1.WriteLogsResponse{}, nil
}

func (s logService) write(ctx context.Context, r *pluginv1.LogRecord) {
	level := levelOf(r.GetLevel())
	if !s.log.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(s.when(r), level, excerpt.Of(s.redact.text(r.GetMessage()), maxLine), 0)
	if len(r.GetFields().GetFields()) > 0 && proto.Size(r.GetFields()) <= maxMeta {
		// Below one name, so that a field cannot pass for one of the host's.
		record.AddAttrs(slog.Any("fields", s.redact.members(r.GetFields().AsMap())))
	}
	_ = s.log.Handler().Handle(ctx, record) // as slog itself: there is nobody to tell
}

// when is the plugin's own time unless it cannot be.
func (s logService) when(r *pluginv1.LogRecord) time.Time {
	now := s.now()
	if t := r.GetTime(); t.IsValid() {
		if at := t.AsTime(); at.After(now.Add(-time.Hour)) && at.Before(now.Add(time.Minute)) {
			return at
		}
	}
	return now
}

func levelOf(name string) slog.Level {
	switch strings.ToLower(name) {
	case "debug", "trace":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "fatal":
		return slog.LevelError
	}
	return slog.LevelInfo
}
