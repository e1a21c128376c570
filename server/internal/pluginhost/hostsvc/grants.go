package hostsvc

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// grant tells which need is missing for a request, in the words of plugin.yaml ("catalog: [read]"); "" = it is allowed.
// The request is nil for streams, whose grants depend on the method alone.
type grant func(n manifest.Needs, request any) (missing string)

// grants is what each method needs. A method that does not stand here is refused.
var grants = map[string]grant{
	pluginv1.HostAuthService_GetPluginToken_FullMethodName: callPlugin,
	pluginv1.HostAuthService_VerifyToken_FullMethodName:    nothing,

	pluginv1.HostCatalogService_GetEntity_FullMethodName:       catalogNeed("read"),
	pluginv1.HostCatalogService_QueryEntities_FullMethodName:   catalogNeed("read"),
	pluginv1.HostCatalogService_RefreshEntity_FullMethodName:   catalogNeed("refresh"),
	pluginv1.HostCatalogService_TriggerProvider_FullMethodName: catalogNeed("write-own"),

	pluginv1.HostKeyValueService_GetValue_FullMethodName:    storage,
	pluginv1.HostKeyValueService_PutValue_FullMethodName:    storage,
	pluginv1.HostKeyValueService_DeleteValue_FullMethodName: storage,
	pluginv1.HostKeyValueService_ListKeys_FullMethodName:    storage,

	pluginv1.HostCacheService_GetCached_FullMethodName:    nothing,
	pluginv1.HostCacheService_PutCached_FullMethodName:    nothing,
	pluginv1.HostCacheService_DeleteCached_FullMethodName: nothing,

	pluginv1.HostSecretsService_GetSecret_FullMethodName: secret,

	pluginv1.HostSchedulerService_TriggerTask_FullMethodName:    nothing, // its own tasks
	pluginv1.HostSchedulerService_ListTaskStates_FullMethodName: nothing,

	pluginv1.HostEventsService_PublishEvent_FullMethodName: publish,

	pluginv1.HostPermissionService_Authorize_FullMethodName: askPermission,

	pluginv1.HostLockService_AcquireLock_FullMethodName: nothing, // in its own namespace
	pluginv1.HostLockService_ReleaseLock_FullMethodName: nothing,

	pluginv1.HostAuditService_WriteAudit_FullMethodName:     nothing,
	pluginv1.HostLogService_WriteLogs_FullMethodName:        nothing,
	pluginv1.HostDiscoveryService_GetBaseUrl_FullMethodName: nothing,

	pluginv1.HostWorkspaceService_ListFiles_FullMethodName:  taskFiles,
	pluginv1.HostWorkspaceService_ReadFile_FullMethodName:   taskFiles,
	pluginv1.HostWorkspaceService_WriteFile_FullMethodName:  taskFiles,
	pluginv1.HostWorkspaceService_RemoveFile_FullMethodName: taskFiles,
}

func nothing(manifest.Needs, any) string { return "" }

func catalogNeed(word string) grant {
	return func(n manifest.Needs, _ any) string {
		if slices.Contains(n.Catalog, word) {
			return ""
		}
		return "catalog: [" + word + "]"
	}
}

func callPlugin(n manifest.Needs, request any) string {
	r, _ := request.(*pluginv1.GetPluginTokenRequest)
	switch {
	case !slices.Contains(n.Plugins, r.GetTargetPlugin()):
		return "plugins: [" + plain(r.GetTargetPlugin()) + "]"
	case r.GetOnBehalfOf() != "" && !n.OnBehalfOf:
		return "onBehalfOf: true"
	}
	return ""
}

func storage(n manifest.Needs, _ any) string {
	if n.Storage.KV > 0 {
		return ""
	}
	return "storage: {kv: 10MiB}"
}

func secret(n manifest.Needs, request any) string {
	r, _ := request.(*pluginv1.GetSecretRequest)
	if slices.Contains(n.Secrets, r.GetName()) {
		return ""
	}
	return "secrets: [" + plain(r.GetName()) + "]"
}

func publish(n manifest.Needs, request any) string {
	r, _ := request.(*pluginv1.PublishEventRequest)
	topic := r.GetEvent().GetTopic()
	if slices.Contains(n.Events.Publish, topic) {
		return ""
	}
	return "events: {publish: [" + plain(topic) + "]}"
}

func taskFiles(n manifest.Needs, _ any) string {
	if slices.Contains(n.Scaffolder, "workspace") {
		return ""
	}
	return "scaffolder: [workspace]"
}

func askPermission(n manifest.Needs, _ any) string {
	if n.Permission {
		return ""
	}
	return "permission: true"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9._:/@-]{1,100}$`)

// plain is a name that a plugin sent, fit for messages and logs.
func plain(name string) string {
	if plainWord.MatchString(name) {
		return name
	}
	return strconv.Quote(excerpt.Short(name))
}
