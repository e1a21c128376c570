package opencostfake

import "time"

// cluster is the ferry line's.
const cluster = "harbour-cluster"

// allocation has the names of OpenCost.
type allocation struct {
	Name             string     `json:"name"`
	Properties       properties `json:"properties"`
	Start            time.Time  `json:"start"`
	End              time.Time  `json:"end"`
	Minutes          float64    `json:"minutes"`
	CPUCoreHours     float64    `json:"cpuCoreHours"`
	CPUCost          float64    `json:"cpuCost"`
	GPUCost          float64    `json:"gpuCost"`
	RAMByteHours     float64    `json:"ramByteHours"`
	RAMCost          float64    `json:"ramCost"`
	PVCost           float64    `json:"pvCost"`
	NetworkCost      float64    `json:"networkCost"`
	LoadBalancerCost float64    `json:"loadBalancerCost"`
	SharedCost       float64    `json:"sharedCost"`
	ExternalCost     float64    `json:"externalCost"`
	TotalCost        float64    `json:"totalCost"`
}

type properties struct {
	Cluster        string            `json:"cluster,omitempty"`
	Namespace      string            `json:"namespace,omitempty"`
	ControllerKind string            `json:"controllerKind,omitempty"`
	Controller     string            `json:"controller,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
}

// workload is a controller in the cluster, named as in examples/catalog.
type workload struct {
	namespace, kind, controller, team string
	cores, gigabytes, volume          float64 // volume in dollars a day
	balanced                          bool
}

var workloads = []workload{
	{"booking", "deployment", "booking-service", "booking-crew", 12, 24, 0, true},
	{"booking", "deployment", "storefront-gateway", "quayside-web", 4, 8, 0, true},
	{"booking", "statefulset", "seat-hold-cache", "booking-crew", 2, 16, 1.2, false},
	{"payments", "deployment", "payment-gateway", "booking-crew", 6, 12, 0, true},
	{"payments", "deployment", "refund-worker", "booking-crew", 1, 2, 0, false},
	{"loyalty", "deployment", "loyalty-service", "quayside-web", 2, 4, 0, false},
	{"timetable", "deployment", "timetable-service", "timetable-desk", 4, 8, 0, true},
	{"timetable", "deployment", "disruption-notifier", "timetable-desk", 1, 1, 0, false},
	{"freight-desk", "deployment", "manifest-service", "freight-desk", 4, 12, 0, false},
	{"freight-desk", "deployment", "yard-planner", "freight-desk", 3, 6, 0, false},
	{"vessel-tracking", "deployment", "vessel-tracker", "bridge-systems", 6, 16, 0, true},
	{"vessel-tracking", "daemonset", "ais-receiver", "bridge-systems", 2, 2, 0, false},
	{"vessel-tracking", "statefulset", "engine-telemetry", "bridge-systems", 4, 24, 5.6, false},
	{"crew-rostering", "deployment", "crew-roster-service", "crew-planning", 2, 4, 0, false},
	{"data-platform", "job", "lake-loader", "data-lighthouse", 8, 32, 2.4, false},
	{"developer-platform", "deployment", "developer-portal", "harbour-platform", 2, 6, 0.4, false},
	{"developer-platform", "deployment", "deploy-bot", "harbour-platform", 1, 1, 0, false},
}

// Prices of a day.
const (
	corePrice     = 0.76
	gigabytePrice = 0.1
	balancerPrice = 0.6
)

// on is what the workload costs on a day.
func (w *workload) on(day time.Time, number int) *allocation {
	busy := 1.0
	if d := day.Weekday(); d == time.Saturday || d == time.Sunday {
		busy = 0.7
	}
	busy *= 1 + float64((day.YearDay()*31+number*17)%21-10)/100 // a tenth up or down
	a := &allocation{
		Properties: properties{cluster, w.namespace, w.kind, w.controller, map[string]string{"app": w.controller, "service": w.controller, "team": w.team}},
		Minutes:    24 * 60, CPUCoreHours: w.cores * 24 * busy, CPUCost: w.cores * corePrice * busy, RAMByteHours: w.gigabytes * 24 * busy * (1 << 30),
		RAMCost: w.gigabytes * gigabytePrice * busy, PVCost: w.volume, NetworkCost: w.cores * 0.03 * busy,
	}
	if w.balanced {
		a.LoadBalancerCost = balancerPrice
	}
	return a.total()
}

func (a *allocation) total() *allocation {
	a.TotalCost = a.CPUCost + a.GPUCost + a.RAMCost + a.PVCost + a.NetworkCost + a.LoadBalancerCost + a.SharedCost + a.ExternalCost
	return a
}

// plus adds an allocation of the same name up; a may be nil.
func (a *allocation) plus(b *allocation) *allocation {
	if a == nil {
		sum := *b
		return &sum
	}
	if b.Start.Before(a.Start) {
		a.Start = b.Start
	}
	if b.End.After(a.End) {
		a.End = b.End
		a.Minutes += b.Minutes
	}
	a.CPUCoreHours += b.CPUCoreHours
	a.CPUCost += b.CPUCost
	a.GPUCost += b.GPUCost
	a.RAMByteHours += b.RAMByteHours
	a.RAMCost += b.RAMCost
	a.PVCost += b.PVCost
	a.NetworkCost += b.NetworkCost
	a.LoadBalancerCost += b.LoadBalancerCost
	return a.total()
}
