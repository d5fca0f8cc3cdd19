import './styles/base.css';
import './shell/shell.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from './router.tsx';
import { keepProject } from './shell/keep-project.ts';

keepProject();
const place = document.getElementById('console');
if (!place) throw new Error('invariant broken: the page has no place for the console');
createRoot(place).render(
  <StrictMode>
    <Router />
  </StrictMode>,
);
