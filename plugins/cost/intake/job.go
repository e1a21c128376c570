package intake

import (
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
)

// State is how far a job is.
type State string

// The states of a job.
const (
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed" // and has changed nothing
)

// Origins of jobs.
const (
	FromUpload   = "upload"
	FromFolder   = "folder"
	FromS3       = "s3"
	FromOpenCost = "opencost"
)

// Job is one import. Its numbers grow while it runs.
type Job struct {
	ID           string        `json:"id"`
	Source       string        `json:"source"`
	Period       ledger.Period `json:"period,omitempty"` // the only one that was allowed
	Run          string        `json:"run,omitempty"`
	Origin       string        `json:"origin"`
	Files        []string      `json:"files,omitempty"`
	Format       string        `json:"format,omitempty"`
	FocusVersion string        `json:"focusVersion,omitempty"`
	State        State         `json:"state"`
	BytesRead    int64         `json:"bytesRead"`
	BytesTotal   int64         `json:"bytesTotal,omitempty"` // 0 when it is not known
	Rows         int64         `json:"rows"`
	Rejects      int64         `json:"rejects"`
	Changes      []Change      `json:"changes,omitempty"`
	Warnings     []string      `json:"warnings,omitempty"`
	Error        string        `json:"error,omitempty"`
	Started      time.Time     `json:"started"`
	Ended        *time.Time    `json:"ended,omitempty"`
}

// Change is what a job did to one billing period of its source.
type Change struct {
	Period     ledger.Period `json:"period"`
	Charges    int64         `json:"charges"`
	Currencies []string      `json:"currencies"`
	Unchanged  bool          `json:"unchanged,omitempty"` // the same charges were there already
}

// keptRejects is how many rejects of a job are kept; all are counted. keptJobs is how many jobs are listed.
const (
	keptRejects = 1000
	keptJobs    = 1000
)
