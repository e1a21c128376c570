import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '../../shared/portal.css';
import { Portal } from './Portal';

// The portal's server writes into the page where Callboard is, and who is signed in.
const { callboard = '', app = '', title = '', viewer = '' } = document.querySelector<HTMLMetaElement>('meta[name=portal]')!.dataset;

createRoot(document.getElementById('portal')!).render(
  <StrictMode>
    <Portal base={callboard} app={app} title={title} viewer={viewer} />
  </StrictMode>,
);
