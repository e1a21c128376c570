package main

import "github.com/callboard/callboard/sdk"

// What only one type of gateway has.

type kongSettings struct {
	Nodes       []string   `json:"nodes,omitempty" max:"20" desc:"Admin APIs of further nodes, where they share no database"`
	Declarative bool       `json:"declarative,omitempty" desc:"The configuration of nodes without a database may be replaced as a whole"`
	Workspace   string     `json:"workspace,omitempty" desc:"Workspace of Kong Enterprise"`
	Header      string     `json:"header,omitempty" desc:"Header for an Admin API behind another gate"`
	Value       sdk.Secret `json:"value,omitempty" desc:"What that header says"`
	Policy      string     `json:"policy,omitempty" enum:"local,cluster" desc:"Where limits are counted: on each node, which is the default, or in the database"`
}

type apimSettings struct {
	LoginURL      string     `json:"loginUrl" format:"uri" example:"https://login.microsoftonline.com" desc:"Address of the login"`
	Tenant        string     `json:"tenant" desc:"Tenant of the registered application"`
	ClientID      string     `json:"clientId" desc:"Its id"`
	ClientSecret  sdk.Secret `json:"clientSecret" desc:"Its secret"`
	Subscription  string     `json:"subscription" desc:"Subscription of Azure"`
	ResourceGroup string     `json:"resourceGroup" desc:"Resource group"`
	Service       string     `json:"service" desc:"Name of the API Management service"`
	MailDomain    string     `json:"mailDomain,omitempty" desc:"Domain of the addresses that Azure wants of applications; no mail is sent"`
}

type awsSettings struct {
	Region          string     `json:"region" example:"eu-central-1" desc:"Region"`
	AccessKeyID     string     `json:"accessKeyId" desc:"Id of the access key"`
	SecretAccessKey sdk.Secret `json:"secretAccessKey" desc:"The access key"`
	SessionToken    sdk.Secret `json:"sessionToken,omitempty" desc:"Of temporary credentials"`
}

type expressSettings struct {
	Header string     `json:"header,omitempty" desc:"Header for an Admin API behind another gate; it has no credentials of its own"`
	Value  sdk.Secret `json:"value,omitempty" desc:"What that header says"`
}

type apigeeSettings struct {
	Organization   string     `json:"organization" desc:"Organization"`
	Environment    string     `json:"environment,omitempty" desc:"Environment of Apigee that counts; any unless set"`
	ServiceAccount sdk.Secret `json:"serviceAccount,omitempty" desc:"Key of a service account, as JSON; or token is set"`
	TokenURL       string     `json:"tokenUrl,omitempty" format:"uri" example:"https://oauth2.googleapis.com/token" desc:"Where the service account gets tokens; needed with it"`
	Developer      string     `json:"developer,omitempty" desc:"Address of the developer whose apps the applications are"`
	KeyHeader      string     `json:"keyHeader,omitempty" desc:"Header in which proxies look for keys; x-apikey unless set"`
	KeyQuery       string     `json:"keyQuery,omitempty" desc:"Or a parameter"`
}

type tykSettings struct {
	Organization string `json:"organization" desc:"Organization of the keys and policies that the plugin makes"`
}

type konnectSettings struct {
	ControlPlane string `json:"controlPlane" desc:"Id of the control plane"`
}
