/** All that was read of people, and of invites. */
export const peopleKey = ['accounts', 'people'];
export const invitesKey = ['accounts', 'invites'];
