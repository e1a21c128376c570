// What the three sample portals have in common: what can be chosen in them, and their own words.

/** The services that a portal shows: the component that runs, and the API that it offers. */
export const services = [
  { title: 'Bookings', entity: 'component:default/booking-service', api: 'api:default/bookings' },
  { title: 'Payments', entity: 'component:default/payment-gateway', api: 'api:default/payments' },
  { title: 'Timetable', entity: 'component:default/timetable-service', api: 'api:default/timetable' },
];

/** Ranges of the charts, as the host names them. */
export const ranges = ['7d', '30d', '90d'];

export const languages = { en: 'English', de: 'Deutsch', fr: 'Français' };

export const themes = ['auto', 'light', 'dark'];

/** The portal's own words. Those of widgets come from the host, in the same language. */
export const words = {
  en: {
    service: 'Service', range: 'Range', theme: 'Theme', language: 'Language', auto: 'Like the system', light: 'Light', dark: 'Dark',
    '7d': '7 days', '30d': '30 days', '90d': '90 days', signedIn: 'Signed in as', signOut: 'Sign out', signedOut: 'Signed out. Reload the page to sign in again.',
    health: 'Health', cost: 'Cost', usage: 'Usage and keys', docs: 'API documentation', request: 'Request access',
  },
  de: {
    service: 'Dienst', range: 'Zeitraum', theme: 'Farben', language: 'Sprache', auto: 'Wie das System', light: 'Hell', dark: 'Dunkel',
    '7d': '7 Tage', '30d': '30 Tage', '90d': '90 Tage', signedIn: 'Angemeldet als', signOut: 'Abmelden', signedOut: 'Abgemeldet. Neu laden meldet wieder an.',
    health: 'Zustand', cost: 'Kosten', usage: 'Nutzung und Schlüssel', docs: 'API-Dokumentation', request: 'Zugang beantragen',
  },
  fr: {
    service: 'Service', range: 'Période', theme: 'Thème', language: 'Langue', auto: 'Comme le système', light: 'Clair', dark: 'Sombre',
    '7d': '7 jours', '30d': '30 jours', '90d': '90 jours', signedIn: 'Connecté :', signOut: 'Se déconnecter', signedOut: 'Déconnecté. Rechargez la page pour vous reconnecter.',
    health: 'État', cost: 'Coûts', usage: 'Utilisation et clés', docs: "Documentation de l'API", request: "Demander l'accès",
  },
};
