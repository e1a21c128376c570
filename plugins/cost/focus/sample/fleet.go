package sample

// workload is something of the example catalog that costs money.
type workload struct {
	service string // a component or resource of examples/catalog
	system  string
	team    string // its owner
	uses    []use
}

// use is what a workload takes of a cloud each day, before growth and weekdays.
type use struct {
	offer  *offer
	amount int64 // in cents
}

// offer is a service of a cloud.
type offer struct {
	cloud    *cloud
	service  string
	category string
	resource string // type
	sku      string
	unit     string
	discount int64 // per cent off the list price
}

// cloud is a provider with the accounts of the ferry line.
type cloud struct {
	provider string
	issuer   string
	account  string
	accounts map[string]string // sub-account of an environment
	region   string
	prefix   string // of resource ids: type, account, type, name
}

var (
	aws = &cloud{"AWS", "Amazon Web Services, Inc.", "418273640001",
		map[string]string{"production": "418273640110", "staging": "418273640120"}, "eu-north-1", "arn:aws:%s:eu-north-1:%s:%s/%s"}
	azure = &cloud{"Microsoft", "Microsoft Ireland Operations Ltd", "8611537",
		map[string]string{"production": "5f3c9a10-0000-4000-8000-0000000000a1", "staging": "5f3c9a10-0000-4000-8000-0000000000b2"}, "swedencentral", "/subscriptions/%[2]s/providers/%[1]s/%[3]s/%[4]s"}
	google = &cloud{"Google Cloud", "Google Cloud EMEA Limited", "01A2B3-C4D5E6-F70819",
		map[string]string{"production": "marram-data-prod", "staging": "marram-data-staging"}, "europe-north1", "//%s/projects/%s/%s/%s"}
)

var (
	compute  = &offer{aws, "Amazon Elastic Compute Cloud", "Compute", "instances", "m7g.large", "Hours", 18}
	lambda   = &offer{aws, "AWS Lambda", "Compute", "functions", "arm64", "GB-Seconds", 0}
	rds      = &offer{aws, "Amazon Relational Database Service", "Databases", "databases", "db.r7g.large", "Hours", 12}
	cache    = &offer{aws, "Amazon ElastiCache", "Databases", "clusters", "cache.m7g.large", "Hours", 0}
	bucket   = &offer{aws, "Amazon Simple Storage Service", "Storage", "buckets", "Standard", "GB-Months", 0}
	balancer = &offer{aws, "Elastic Load Balancing", "Networking", "loadbalancers", "LCU", "Hours", 0}
	events   = &offer{aws, "Amazon Managed Streaming for Apache Kafka", "Integration", "clusters", "kafka.m7g.large", "Hours", 0}
	aks      = &offer{azure, "Azure Kubernetes Service", "Compute", "managedClusters", "Standard_D4ps_v5", "Hours", 20}
	vm       = &offer{azure, "Virtual Machines", "Compute", "virtualMachines", "Standard_D2s_v5", "Hours", 10}
	sqlDB    = &offer{azure, "Azure SQL Database", "Databases", "databases", "GP_Gen5_4", "Hours", 0}
	blob     = &offer{azure, "Storage Accounts", "Storage", "storageAccounts", "Hot LRS", "GB-Months", 0}
	bigquery = &offer{google, "BigQuery", "Analytics", "datasets", "Analysis", "TiB", 0}
	gcs      = &offer{google, "Cloud Storage", "Storage", "buckets", "Standard", "GiB-Months", 0}
	vertex   = &offer{google, "Vertex AI", "AI and Machine Learning", "endpoints", "n2-standard-8", "Hours", 5}
)

var fleet = []workload{
	{"booking-service", "booking", "booking-crew", []use{{compute, 4820}, {balancer, 610}}},
	{"bookings-db", "booking", "booking-crew", []use{{rds, 5340}}},
	{"seat-hold-cache", "booking", "booking-crew", []use{{cache, 1290}}},
	{"ticket-counter-classic", "booking", "booking-crew", []use{{vm, 2210}, {sqlDB, 1740}}},
	{"booking-web", "booking", "quayside-web", []use{{compute, 980}, {bucket, 140}}},
	{"mobile-app", "booking", "quayside-web", []use{{lambda, 320}, {bucket, 90}}},
	{"storefront-gateway", "booking", "quayside-web", []use{{compute, 1460}, {balancer, 880}}},
	{"payment-gateway", "payments", "booking-crew", []use{{compute, 2140}}},
	{"refund-worker", "payments", "booking-crew", []use{{lambda, 210}}},
	{"payments-db", "payments", "booking-crew", []use{{rds, 3120}}},
	{"loyalty-service", "loyalty", "quayside-web", []use{{aks, 840}}},
	{"loyalty-db", "loyalty", "quayside-web", []use{{sqlDB, 920}}},
	{"timetable-service", "timetable", "timetable-desk", []use{{compute, 1310}}},
	{"timetable-importer", "timetable", "timetable-desk", []use{{lambda, 130}}},
	{"disruption-notifier", "timetable", "timetable-desk", []use{{lambda, 260}}},
	{"departure-boards", "timetable", "quayside-web", []use{{compute, 470}}},
	{"timetable-db", "timetable", "timetable-desk", []use{{rds, 990}}},
	{"sailing-events-topic", "timetable", "timetable-desk", []use{{events, 760}}},
	{"freight-desk-web", "freight-desk", "freight-desk", []use{{vm, 690}}},
	{"manifest-service", "freight-desk", "freight-desk", []use{{vm, 1550}}},
	{"customs-bridge", "freight-desk", "freight-desk", []use{{vm, 730}}},
	{"yard-planner", "freight-desk", "freight-desk", []use{{aks, 1180}}},
	{"manifests-db", "freight-desk", "freight-desk", []use{{sqlDB, 2070}}},
	{"manifest-archive", "freight-desk", "freight-desk", []use{{blob, 540}}},
	{"vessel-tracker", "vessel-tracking", "bridge-systems", []use{{compute, 1870}}},
	{"ais-receiver", "vessel-tracking", "bridge-systems", []use{{compute, 640}}},
	{"engine-telemetry", "vessel-tracking", "bridge-systems", []use{{compute, 1720}, {events, 1180}}},
	{"weather-router", "vessel-tracking", "bridge-systems", []use{{vertex, 1420}}},
	{"positions-db", "vessel-tracking", "bridge-systems", []use{{rds, 2330}}},
	{"telemetry-bucket", "vessel-tracking", "bridge-systems", []use{{bucket, 870}}},
	{"crew-roster-service", "crew-rostering", "crew-planning", []use{{aks, 620}}},
	{"roster-web", "crew-rostering", "crew-planning", []use{{aks, 240}}},
	{"roster-db", "crew-rostering", "crew-planning", []use{{sqlDB, 710}}},
	{"lake-loader", "data-platform", "data-lighthouse", []use{{bigquery, 1480}}},
	{"load-forecast", "data-platform", "data-lighthouse", []use{{vertex, 2640}}},
	{"punctuality-report", "data-platform", "data-lighthouse", []use{{bigquery, 690}}},
	{"data-lake", "data-platform", "data-lighthouse", []use{{gcs, 1930}, {bigquery, 2410}}},
	{"developer-portal", "developer-platform", "harbour-platform", []use{{aks, 430}}},
	{"deploy-bot", "developer-platform", "harbour-platform", []use{{aks, 180}}},
	{"event-bus", "developer-platform", "harbour-platform", []use{{events, 2290}}},
	{"harbour-cluster", "developer-platform", "harbour-platform", []use{{aks, 6110}}},
}
