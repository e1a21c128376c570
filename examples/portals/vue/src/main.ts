import { callboard } from '@callboard/widgets-vue';
import { createApp } from 'vue';
import '../../shared/portal.css';
import Portal from './Portal.vue';

// The portal's server writes into the page where Callboard is, and who is signed in.
const { callboard: base, app, title, viewer } = document.querySelector<HTMLMetaElement>('meta[name=portal]')!.dataset;

createApp(Portal, { title, viewer }).use(callboard, { base, app, tokenProvider: '/callboard-token' }).mount('#portal');
