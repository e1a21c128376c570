const de = {
  "card.summary": "Auf einen Blick",
  "card.usage": "Nutzung",
  "card.cost": "Kosten",
  "card.errors": "Fehler",
  "card.quality": "Qualität",
  "card.showAll": "Alle {{total}} zeigen",
  "card.showFewer": "Weniger zeigen",
  "range.label": "Zeitraum",
  "range.24h": "24 Stunden",
  "range.7d": "7 Tage",
  "range.30d": "30 Tage",
  "range.90d": "90 Tage",
  "state.failed": "Der Host konnte nicht gefragt werden: {{reason}}",
  "state.retry": "Noch einmal versuchen",
  "state.none": "Hier gibt es noch nichts zu sehen",
  "state.noneOfEntity": "Kein Plugin hat etwas über diese Entität zu zeigen",
  "access.keys": "Ihre Schlüssel",
  "access.request": "Zugang beantragen",
  "access.api": "API",
  "access.choose": "API wählen",
  "access.noApis": "Vor keiner API, die Sie sehen dürfen, steht ein Gateway",
  "plugins.title": "Plugins",
  "plugins.name": "Plugin",
  "plugins.widgets": "Widgets",
  "plugins.view": "Darstellung",
  "plugins.appliesTo": "Für",
  "plugins.everywhere": "das ganze Portal"
};
export {
  de as default
};
