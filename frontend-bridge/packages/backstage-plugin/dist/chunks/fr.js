const fr = {
  "card.summary": "En bref",
  "card.usage": "Utilisation",
  "card.cost": "Coûts",
  "card.errors": "Erreurs",
  "card.quality": "Qualité",
  "card.showAll": "Tout afficher ({{total}})",
  "card.showFewer": "Afficher moins",
  "range.label": "Période",
  "range.24h": "24 heures",
  "range.7d": "7 jours",
  "range.30d": "30 jours",
  "range.90d": "90 jours",
  "state.failed": "L’hôte n’a pas pu être interrogé : {{reason}}",
  "state.retry": "Réessayer",
  "state.none": "Il n’y a encore rien à voir ici",
  "state.noneOfEntity": "Aucun plugin n’a quelque chose à montrer sur cette entité",
  "access.keys": "Vos clés",
  "access.request": "Demander un accès",
  "access.api": "API",
  "access.choose": "Choisir une API",
  "access.noApis": "Aucune API que vous pouvez voir n’est derrière une passerelle",
  "plugins.title": "Plugins",
  "plugins.name": "Plugin",
  "plugins.widgets": "Widgets",
  "plugins.view": "Présentation",
  "plugins.appliesTo": "Pour",
  "plugins.everywhere": "tout le portail"
};
export {
  fr as default
};
